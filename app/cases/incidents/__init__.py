"""异常: what stopped and waits for somebody who mends it."""
