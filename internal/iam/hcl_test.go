package iam

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHCLStringsHoldJustTheirText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "system:serviceaccount:a:b", `"system:serviceaccount:a:b"`},
		{"empty", "", `""`},
		{"quotes and backslashes", `a"b\c`, `"a\"b\\c"`},
		{"an interpolation", "${file(1)}", `"$${file(1)}"`},
		{"a directive", "%{ if x }", `"%%{ if x }"`},
		{"an escape that is text", "$${x}", `"\u0024$${x}"`},
		{"a run of both", "%$%{x}", `"\u0025\u0024%%{x}"`},
		{"a dollar alone", "a$b%c$", `"a$b%c$"`},
		{"lines", "a\nb\r\t", `"a\nb\u000d\u0009"`},
		{"marks of direction", "a\u202eb", `"a\u202eb"`},
		{"beyond the first plane", "\U000e0001", `"\U000e0001"`},
		{"what is not text", "\xff", "\"\ufffd\""},
		{"letters of other scripts", "grüße/日本", `"grüße/日本"`},
		{"a section of GitLab's log", "section_start:1:x", `"section_start\u003a1:x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hclString(c.in); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestHCLIsAlignedAsTerraformFormatsIt(t *testing.T) {
	got := hclObject{
		{"a", "1"},
		{"long-name", "2"},
		{"list", []string{"x"}},
		{"many", []string{"x", "y"}},
		{"b", "3"},
		{"none", []string{}},
		{"empty", hclObject{}},
		{"objects", []hclObject{{{"c", "4"}}}},
	}.hcl(0)
	want := `{
  a           = "1"
  "long-name" = "2"
  list        = ["x"]
  many = [
    "x",
    "y"
  ]
  b     = "3"
  none  = []
  empty = {}
  objects = [
    {
      c = "4"
    }
  ]
}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
