"""代理人: who acts for whom, from and until, for which processes; what comes of it is in identity and cases."""
