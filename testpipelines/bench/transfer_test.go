package main

import (
	"slices"
	"testing"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

func TestCacheCheckIsMeasuredBesideTheTransferManager(t *testing.T) {
	minio := parts.MinIO(t)
	t.Chdir("../..")
	l, err := newLab(t.Context(), []string{"PATH=/usr/bin:/bin"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var r result
	if err := l.transferOf(t.Context(), minio, 1, 16<<20, 64<<20, &r); err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, row := range r.rows {
		what = append(what, row.what)
		if row.ratio <= 0 {
			t.Errorf("%s: ratio %v", row.what, row.ratio)
		}
	}
	const times, memory = "`ci-aws cache check`", "`ci-aws cache check`, peak memory"
	if got := slices.Compact(what); !slices.Equal(got, []string{times, memory}) {
		t.Errorf("%q", got)
	}
	if last := r.rows[len(r.rows)-1]; !last.bound.holds(last.ratio) {
		t.Errorf("%s: %s, more than %s", last.what, last.measured, last.against)
	}
}
