"""One installation serves all tests of this folder and ends with them: a fixture of a package needs one."""
