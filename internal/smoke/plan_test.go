package smoke_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/smoke"
)

// fleets are n fleets: fleet-01, fleet-02 and so on.
func fleets(n int) []smoke.Fleet {
	var all []smoke.Fleet
	for i := range n {
		all = append(all, smoke.Fleet{Tags: []string{"fleet-" + smoke.Slot(i)}})
	}
	return all
}

func newPlan(t testing.TB, all []smoke.Fleet, full bool) smoke.Plan {
	t.Helper()
	p, err := smoke.NewPlan(all, full)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAStarReadsTheFirstFleetEverywhereAndAllInTheFirst(t *testing.T) {
	tests := []struct {
		fleets  int
		jobs    int
		readers []smoke.Reader
	}{
		{2, 5, []smoke.Reader{{0, []int{0, 1}, 0}, {1, []int{0}, 0}}},
		{4, 9, []smoke.Reader{{0, []int{0, 1, 2, 3}, 0}, {1, []int{0}, 0}, {2, []int{0}, 0}, {3, []int{0}, 0}}},
		{5, 12, []smoke.Reader{{0, []int{0, 1, 2, 3}, 1}, {0, []int{4}, 2}, {1, []int{0}, 0}, {2, []int{0}, 0}, {3, []int{0}, 0}, {4, []int{0}, 0}}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.fleets), func(t *testing.T) {
			p := newPlan(t, fleets(tt.fleets), false)
			want := smoke.Plan{Fleets: fleets(tt.fleets), Readers: tt.readers}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if p.Jobs() != tt.jobs {
				t.Errorf("%d jobs, want %d", p.Jobs(), tt.jobs)
			}
		})
	}
}

func TestEveryPlanReadsWhatItPromisesAndNothingTwice(t *testing.T) {
	for n := smoke.MinFleets; n <= smoke.MaxFleets; n++ {
		for _, full := range []bool{false, true} {
			if full && n > smoke.MaxFullFleets {
				continue
			}
			p := newPlan(t, fleets(n), full)
			seen := map[[2]int]int{}
			for _, r := range p.Readers {
				if len(r.Writers) == 0 || len(r.Writers) > smoke.MaxCaches {
					t.Errorf("%d fleets: a job of %d caches", n, len(r.Writers))
				}
				for _, w := range r.Writers {
					seen[[2]int{r.Fleet, w}]++
				}
			}
			for reader := range n {
				for writer := range n {
					want := 0
					if full || reader == 0 || writer == 0 {
						want = 1
					}
					if got := seen[[2]int{reader, writer}]; got != want || p.Reads(reader, writer) != (want == 1) {
						t.Errorf("%d fleets, full %v: %d reads %d %d times, want %d", n, full, reader, writer, got, want)
					}
				}
			}
		}
	}
}

func TestWhatNoPlanCanBeMadeOfIsRefused(t *testing.T) {
	fleet := func(tags ...string) smoke.Fleet { return smoke.Fleet{Tags: tags} }
	tests := []struct {
		name   string
		fleets []smoke.Fleet
		full   bool
		want   string
	}{
		{"one fleet", fleets(1), false, "1 fleet: want 2 to 50"},
		{"too many", fleets(51), false, "51 fleets: want 2 to 50"},
		{"too many for every pair", fleets(9), true, "9 fleets: a full plan takes 2 to 8"},
		{"the same twice", []smoke.Fleet{fleet("a", "b"), fleet("c"), fleet("b", "a")}, false, `the fleet "b,a" is given twice`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := smoke.NewPlan(tt.fleets, tt.full); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAFleetIsItsTags(t *testing.T) {
	long := strings.Repeat("é", 255)
	tests := []struct {
		in   string
		want []string
	}{
		{"fargate-small", []string{"fargate-small"}},
		{" cluster , kubernetes ", []string{"cluster", "kubernetes"}},
		{"fargate-small\n", []string{"fargate-small"}},
		{"cluster\r\n,\tkubernetes\r\n", []string{"cluster", "kubernetes"}},
		{"big runner,🚀", []string{"big runner", "🚀"}},
		{`it's "quoted"\`, []string{`it's "quoted"\`}},
		{"`id`,a: b #c", []string{"`id`", "a: b #c"}},
		{long, []string{long}},
	}
	for _, tt := range tests {
		got, err := smoke.ParseFleet(tt.in)
		if diff := cmp.Diff(smoke.Fleet{Tags: tt.want}, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", tt.in, err, diff)
		}
	}
}

func TestATagThatGitLabWouldReadOtherwiseIsRefused(t *testing.T) {
	var fifty []string
	for i := range 50 {
		fifty = append(fifty, fmt.Sprint(i))
	}
	tests := []struct{ in, want string }{
		{"", `the fleet "" has an empty tag: want tags with commas between`},
		{"a,,b", `the fleet "a,,b" has an empty tag: want tags with commas between`},
		{"$(id)", `the fleet "$(id)" has the tag "$(id)": GitLab expands what follows a $ in a tag`},
		{"a,$TAG", `the fleet "a,$TAG" has the tag "$TAG": GitLab expands what follows a $ in a tag`},
		{"a;b", `the fleet "a;b" has the tag "a;b": a semicolon stands between fleets`},
		{"a\nb", `the fleet "a\nb" has the tag "a\nb", with a control character in it`},
		{"a\x1bb", `the fleet "a\x1bb" has the tag "a\x1bb", with a control character in it`},
		{"a,b,a", `the fleet "a,b,a" has the tag "a" twice`},
		{"\xff", `the fleet "\xff" is not UTF-8`},
		{strings.Join(fifty, ","), "has more than 49 tags, the most that GitLab takes"},
		{strings.Repeat("é", 256), "which is longer than 255 characters"},
	}
	for _, tt := range tests {
		_, err := smoke.ParseFleet(tt.in)
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%q:\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

func TestFleetsAreReadBackFromTheirText(t *testing.T) {
	all, err := smoke.ParseFleets(" fargate-small; cluster, kubernetes ;big runner;")
	want := []smoke.Fleet{{Tags: []string{"fargate-small"}}, {Tags: []string{"cluster", "kubernetes"}}, {Tags: []string{"big runner"}}}
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Fatalf("%v\n%s", err, diff)
	}
	text := smoke.FleetsText(all)
	if text != "fargate-small;cluster,kubernetes;big runner" {
		t.Errorf("text %q", text)
	}
	if again, err := smoke.ParseFleets(text); err != nil || !slices.EqualFunc(all, again, func(a, b smoke.Fleet) bool { return slices.Equal(a.Tags, b.Tags) }) {
		t.Errorf("read back: %v, %v", again, err)
	}
	for _, bad := range []string{"", ";", "a;;b", "a;$b"} {
		if _, err := smoke.ParseFleets(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
