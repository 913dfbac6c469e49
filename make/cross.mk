# `make cross`
