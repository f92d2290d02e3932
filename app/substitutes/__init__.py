"""代理人: who acts for whom, from and until, for which processes; cases know what comes of it."""
