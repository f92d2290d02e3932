# 呼应 Huying. `make` lists what it can do.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PORT ?= 8000
BIN := .venv/bin
# Two processes are the measured best on two cores; more than four fight over one PostgreSQL.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
ARGS ?=

# Where it is set, each of the ten processes of a start would compile the whole product anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check coverage-of-requirements fuzz bench bench-users bench-timers bench-inbox bench-engine proofs proofs-timers lock clean environment

help: ## 列出这些命令
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 34

environment:
	@command -v $(or $(PYTHON),python3) >/dev/null || \
		{ echo '呼应：找不到 Python 3.11 或更高版本，请先安装。（Python 3.11+ is needed.）' >&2; exit 1; }
	@$(or $(PYTHON),python3) bootstrap.py

run: environment ## 启动全部服务，打印网址与示范账号（PORT=8000，Ctrl-C 停止；ARGS=--fresh 清空数据重新开始）
	@exec $(BIN)/huying up --tied --port $(PORT) $(ARGS)

test: environment ## 运行全部测试（SQLite 与真实的 PostgreSQL、Valkey）
	@exec $(BIN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

fuzz: environment ## 照接口文档随机请求每个操作，四百次一个（PostgreSQL，约十分钟；ARGS="--examples 5000 --seed 7"）
	@exec $(BIN)/pytest -q -n $(WORKERS) tests/fuzz --only postgresql --examples 400 $(ARGS)

check: environment ## 只做静态检查：写法、类型、导入方向、流程文件
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/huying process check

coverage-of-requirements: environment ## 按系统列出需求：哪些已有测试证明，哪些还没有（ARGS="--core 1 --summary"）
	@exec $(BIN)/python -m tests.requirements $(ARGS)

bench: environment ## 量办件的耗时（PostgreSQL）
	@exec $(BIN)/python -m bench.cases $(ARGS)

bench-users: environment ## 量一百人同时使用一分钟的感受（两千人在线、十万件待办；约五分钟；ARGS="--tasks 1000000" 量一百万件）
	@exec $(BIN)/python -m bench.users $(ARGS)

bench-timers: environment ## 量定时触发的快慢（PostgreSQL；十万个到期、两百万个在后；ARGS="--flags 20000 --tokens 2000" 短些）
	@exec $(BIN)/python -m bench.timers $(ARGS)

bench-inbox: environment ## 量列表、计数和查找的耗时（PostgreSQL，十万和一百万个待办；ARGS="--sizes 100000" 只量十万）
	@exec $(BIN)/python -m bench.inbox $(ARGS)

bench-engine: environment ## 量流程引擎的耗时
	@exec $(BIN)/python -m bench.engine $(ARGS)

proofs: environment ## 长时间的证明：引擎对照记号游戏两万次、带退回两万次、改坏的图两万张和表、表达式各五千过检查（约十分钟到半小时，至多一小时；ARGS="--mutations 1000000 --minutes 600"）
	@exec $(BIN)/python -m bench.proofs $(ARGS)

proofs-timers: environment ## 长时间的证明：进程被杀、睡过租约，Valkey 被清空、被杀，数据库时钟跳变，定时仍都只触发一次（半小时；ARGS="--minutes 120"）
	@exec $(BIN)/python -m bench.unrest $(ARGS)

lock: environment ## 依 pyproject.toml 重写 requirements.lock（需要 uv）
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --quiet --output-file requirements.lock
	@! grep -nE '://' requirements.lock || { echo '呼应：锁文件里不应有网址。' >&2; exit 1; }

clean: ## 删除运行环境与缓存（数据目录不动）
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
