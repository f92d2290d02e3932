"""挂起, 激活, 终止, 撤诉: what stops a case."""
