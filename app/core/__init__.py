"""What every room stands on: settings, time, transactions, errors, ids, events, waking workers."""
