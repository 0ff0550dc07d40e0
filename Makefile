# CONTRIBUTING.md says what each target is for. All of them need Go; test and lint fetch what else they use.
.PHONY: build test demo lint templates docs docs-check fuzz bench size binaries release release-tag release-dry-run

RELEASE := -trimpath -buildvcs=false -tags urfave_cli_no_docs -ldflags '-s -w'
SIZE_LIMIT := 6815744
# What is released is built by this toolchain, for these processors at their baseline, whatever the machine's settings.
TOOLCHAIN := go1.26.8
PINNED := GOTOOLCHAIN=$(TOOLCHAIN) GOFLAGS= GOEXPERIMENT= GOFIPS140=off GOAMD64=v1 GOARM64=v8.0
PLATFORMS := linux-amd64 linux-arm64 darwin-arm64
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
	cd tools/image && go tool -modfile=../go.mod golangci-lint run ./...
	sh scripts/lint-sh.sh

templates:
	go run ./templates/gen

docs: templates
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

binaries:
	@for p in $(PLATFORMS); do $(PINNED) GOOS=$${p%-*} GOARCH=$${p#*-} go build $(RELEASE) -o dist/ci-aws-$$p ./cmd/ci-aws || exit; done

release:
	sh scripts/release.sh '$(VERSION)'

release-tag:
	sh scripts/release-tag.sh

release-dry-run:
	sh scripts/release-dry-run.sh '$(VERSION)'
