# CONTRIBUTING.md says what each target is for. All of them need Go; test and lint fetch what else they use.
.PHONY: build test demo lint docs docs-check fuzz bench size

RELEASE := -trimpath -buildvcs=false -tags urfave_cli_no_docs -ldflags '-s -w'
SIZE_LIMIT := 6291456
FUZZTIME ?= 10s
TRUST_SUB ?=

export CGO_ENABLED := 0

# Go and npm keep their caches under HOME, and neither starts without one.
ifeq ($(HOME),)
export HOME := $(CURDIR)/.cache/home
endif

build:
	go build $(RELEASE) -o bin/ci-aws ./cmd/ci-aws

test:
	sh scripts/setup-tests.sh
	go run ./testpipelines/runtests

demo:
	go build $(RELEASE) -o bin/ ./cmd/ci-aws ./testpipelines/sandbox ./testpipelines/sdkprobe
	PATH="$(CURDIR)/bin:$$PATH" bin/sandbox $(if $(TRUST_SUB),--trust-sub '$(TRUST_SUB)') -- sh testpipelines/demo.sh

lint: docs-check
	go tool -modfile=tools/go.mod golangci-lint run ./...
	sh scripts/lint-sh.sh

docs:
	go run ./templates/gen
	go run ./docs/gen

docs-check:
	go run ./templates/gen -check
	go run ./docs/gen -check

fuzz:
	sh scripts/fuzz.sh $(FUZZTIME)

bench: build
	go run ./testpipelines/bench

size:
	GOOS=linux GOARCH=amd64 go build $(RELEASE) -o bin/linux-amd64/ci-aws ./cmd/ci-aws
	@size=$$(gzip -9c bin/linux-amd64/ci-aws | wc -c); echo "linux/amd64: $$size bytes gzipped, at most $(SIZE_LIMIT)"; test "$$size" -le $(SIZE_LIMIT)
