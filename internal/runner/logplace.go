package runner

import (
	"net/url"
	"path"
	"strings"
)

// place is where an object of a cache stands:
//
//	bucket / Path / runner/TOKEN (unless Shared) / project/ID / (shard /) key
//
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/cache/cache.go
type place struct {
	Bucket, Path, Token, Project string
	Hashed                       bool   // the key is a SHA-256 (FF_HASH_CACHE_KEYS)
	Key                          string // as it stands in the object's name
}

// folder is the place without bucket and key.
func (p place) folder() string {
	token := ""
	if p.Token != "" {
		token = "runner/" + p.Token
	}
	return path.Join(p.Path, token, "project/"+p.Project)
}

// readPlace takes the URL of a cache apart. It is not found where the URL is not
// one that a runner makes.
func readPlace(raw, key string) (p place, found bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return p, false
	}
	object := strings.Trim(u.Path, "/")
	if p.Bucket, object, found = bucketOf(u, object); !found {
		return p, false
	}
	object = strings.TrimSuffix(object, "/cache.zip")
	folder, ends := strings.CutSuffix(object, "/"+key)
	if ends && key != "" {
		p.Key = key
	} else {
		folder, p.Key, p.Hashed = cutKey(object)
	}
	folder, p.Project = path.Split(folder)
	p.Project = path.Base(p.Project)
	if _, ok := number(p.Project); !ok {
		return p, false
	}
	before, isProject := strings.CutSuffix("/"+strings.Trim(folder, "/"), "/project")
	if !isProject {
		return p, false
	}
	if dir, token := path.Split(before); strings.HasSuffix(dir, "/runner/") {
		p.Token, before = token, strings.TrimSuffix(dir, "/runner/")
	}
	p.Path = strings.Trim(before, "/")
	return p, true
}

// bucketOf names the bucket of a URL in the styles of S3, of the SDKs' URLs
// (s3://bucket) and of other servers, and gives the rest of the path.
func bucketOf(u *url.URL, object string) (bucket, rest string, ok bool) {
	host := u.Hostname()
	aws := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
	switch i := strings.LastIndex(host, ".s3"); {
	case u.Scheme != "http" && u.Scheme != "https":
		return host, object, true
	case aws && i > 0:
		return host[:i], object, true
	}
	bucket, rest, ok = strings.Cut(object, "/")
	if !aws {
		bucket = u.Host + "/" + bucket
	}
	return bucket, rest, ok
}

// cutKey splits an object's name whose key is not known, or is hashed.
func cutKey(object string) (folder, key string, hashed bool) {
	dir, last := path.Split(object)
	if len(last) == 64 && strings.Trim(last, "0123456789abcdef") == "" {
		dir = strings.TrimSuffix(dir, "/")
		return strings.TrimSuffix(dir, "/"+last[:2]), last, true
	}
	segments := strings.Split(object, "/")
	for i := 0; i+2 < len(segments); i++ {
		if _, ok := number(segments[i+1]); ok && segments[i] == "project" {
			return strings.Join(segments[:i+2], "/"), strings.Join(segments[i+2:], "/"), false
		}
	}
	return "", object, false
}

// bareURL is a URL without the parts that are secret: user, query, fragment.
func bareURL(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	scheme, rest, _ := strings.Cut(s, "://")
	host, path, slash := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	if slash {
		host += "/" + path
	}
	return scheme + "://" + host
}

// placeOf is where the log's runner keeps the cache of that key: by the URL of
// that key, else by that of another cache in the same log, which differs in its
// last part only.
func (l Log) placeOf(key string) (p place, url string, found bool) {
	for _, same := range []bool{true, false} {
		for _, u := range l.Caches {
			if u.URL == "" || same != (u.Key == key) {
				continue
			}
			if p, ok := readPlace(u.URL, u.Key); ok {
				if !same {
					p.Key, u.URL = "", ""
				}
				return p, u.URL, true
			}
		}
	}
	return place{}, "", false
}
