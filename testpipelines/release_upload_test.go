package testpipelines_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/testpipelines/parts"
)

// uploaded are the files of a release, in the order of their upload.
var uploaded = []string{"ci-aws-darwin-arm64", "ci-aws-linux-amd64", "ci-aws-linux-arm64", "ci-aws.cdx.json", "SHA256SUMS"}

const uploadToken = "glcbt-64_not-to-be-seen"

// A packageRegistry is the generic one of a project, which redirects downloads to a store of objects.
type packageRegistry struct {
	files  map[string]string // by name
	breaks string            // the file whose upload it refuses
	put    []string
	told   []string // what the store of objects was told of who asks
}

func (r *packageRegistry) serve(t *testing.T) string {
	t.Helper()
	objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.told = append(r.told, q.Header.Get("Authorization")+q.Header.Get("JOB-TOKEN"))
		_, _ = io.WriteString(w, r.files[path.Base(q.URL.Path)])
	}))
	t.Cleanup(objects.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		folder, name := path.Split(q.URL.Path)
		user, password, _ := q.BasicAuth()
		_, there := r.files[name]
		switch {
		case user != "gitlab-ci-token" || password != uploadToken:
			w.WriteHeader(http.StatusUnauthorized)
		case folder != "/api/v4/projects/7/packages/generic/ci-aws/"+testVersion+"/":
			w.WriteHeader(http.StatusTeapot)
		case q.Method == http.MethodGet && there:
			http.Redirect(w, q, objects.URL+"/"+name, http.StatusFound) //nolint:gosec // a test's server
		case q.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
		case name == r.breaks:
			w.WriteHeader(http.StatusForbidden)
		default:
			text, _ := io.ReadAll(q.Body)
			r.files[name] = string(text)
			r.put = append(r.put, name)
			w.WriteHeader(http.StatusCreated)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/api/v4"
}

// testUpload runs the upload of a project's dist/ with a curl that tells its arguments.
func testUpload(t *testing.T, project repository) {
	t.Helper()
	curl := parts.Program(t, "curl")
	all := map[string]string{}
	for _, name := range uploaded {
		all[name] = read(t, filepath.Join(project.dir, "dist", name))
	}
	only := func(names ...string) map[string]string {
		some := map[string]string{}
		for _, name := range names {
			some[name] = all[name]
		}
		return some
	}
	other := maps.Clone(all)
	other["SHA256SUMS"] = "of another build\n"
	for _, tt := range []struct {
		name, token, breaks string
		there               map[string]string
		code                int
		put                 []string
		want                string
	}{
		{"of a new version brings all files, the sums last", uploadToken, "", nil, 0, uploaded, "release: uploaded SHA256SUMS"},
		{"run again uploads nothing", uploadToken, "", all, 0, nil, "release: SHA256SUMS is there already"},
		{"goes on where it was interrupted", uploadToken, "", only(uploaded[:2]...), 0, uploaded[2:], "release: ci-aws-darwin-arm64 is there already"},
		{"uploads nothing beside another file, though that is the last", uploadToken, "", map[string]string{"SHA256SUMS": other["SHA256SUMS"]}, 1, nil, "error: SHA256SUMS of " + testVersion + " is in the package registry and is another file: "},
		{"that is refused half-way says so", uploadToken, uploaded[1], nil, 1, uploaded[:1], "error: uploading ci-aws-linux-amd64 to the package registry: HTTP 403"},
		{"without a token that is good tries nothing", "expired", "", nil, 1, nil, "error: asking the package registry for ci-aws-darwin-arm64: HTTP 401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			registry := &packageRegistry{files: maps.Clone(tt.there), breaks: tt.breaks}
			if registry.files == nil {
				registry.files = map[string]string{}
			}
			dir := t.TempDir()
			recorder := "#!/bin/sh\necho \"$*\" >>'" + dir + "/arguments'\nexec " + curl + " \"$@\"\n"
			if err := os.WriteFile(filepath.Join(dir, "curl"), []byte(recorder), 0o700); err != nil {
				t.Fatal(err)
			}
			said := project.sh(t, tt.code, "sh scripts/release-upload.sh", "PATH="+dir+":"+os.Getenv("PATH"),
				"CI_API_V4_URL="+registry.serve(t), "CI_PROJECT_ID=7", "CI_COMMIT_TAG="+testVersion, "CI_JOB_TOKEN="+tt.token)
			if !strings.Contains(said, tt.want) {
				t.Errorf("it said %q, wanted %q", said, tt.want)
			}
			if diff := cmp.Diff(tt.put, registry.put); diff != "" {
				t.Errorf("uploads (-want +got):\n%s", diff)
			}
			if tt.code == 0 {
				if diff := cmp.Diff(all, registry.files); diff != "" {
					t.Error("the registry has other files than dist/")
				}
			}
			if slices.ContainsFunc(registry.told, func(told string) bool { return told != "" }) {
				t.Errorf("the store of objects was told %q", registry.told)
			}
			if arguments := read(t, filepath.Join(dir, "arguments")); strings.Contains(arguments+said, tt.token) {
				t.Errorf("the token shows: arguments %s, output %s", arguments, said)
			}
		})
	}
}
