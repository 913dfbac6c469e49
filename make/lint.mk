# `make lint`
.PHONY: lint
lint:
