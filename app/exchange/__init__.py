"""Exchange: how a case talks with other systems; messages in, an outbox out, one connector a partner."""
