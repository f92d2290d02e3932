"""备注 and 领导批示: what people say beside a case."""
