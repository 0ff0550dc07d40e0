package runner

import "strings"

// word is what a line of a cache's section means.
type word int

const (
	unknownWord   word = iota
	quietWord          // understood, and says nothing of its own
	checkingWord       // key, perhaps "fallback" as text
	creatingWord       // key
	policyWord         // key
	skippingWord       // text is why
	presignedWord      // the transfer goes through a pre-signed URL
	goCloudWord        // or with credentials
	transferWord       // url
	upToDateWord       // the local copy, or the archive, is as new
	existsWord         // the object is there already
	noURLWord          //
	notFoundWord       // S3 has no such object
	receivedWord       // text is the status, code that of S3, expected a 403 that may be a miss
	noFileWord         // nothing local to extract
	retryWord          // one more try
	restartWord        // one more try of the whole restoring
	doneWord           //
	failedWord         // text is why, where it is said
	pathWord           // text is a path that matches no file
	noFilesWord        //
	tooLargeWord       // size and limit in bytes
	roleWord           // text is why the manager has no credentials
)

// said is a line that was understood.
type said struct {
	word        word
	save        bool // it belongs to saving
	key         string
	url         string
	text, code  string
	expected    bool
	size, limit int64
}

// fixed are lines that are always the same, by how they start.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/commands/helpers/cache_extractor.go
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/commands/helpers/cache_archiver.go
func fixed(line string) (said, bool) {
	for _, f := range []struct {
		start string
		said  said
	}{
		{"Using presigned URL for cache download", said{word: presignedWord}},
		{"Using presigned URL for cache upload", said{word: presignedWord, save: true}},
		{"Using GoCloud URL for cache download", said{word: goCloudWord}},
		{"Using GoCloud URL for cache upload", said{word: goCloudWord, save: true}},
		{"No URL provided, cache will not be downloaded", said{word: noURLWord}},
		{"No URL provided, cache will not be uploaded", said{word: noURLWord, save: true}},
		{"No URL provided, cache will be not uploaded", said{word: noURLWord, save: true}}, // older runners
		{"file does not exist", said{word: notFoundWord}},
		{"Cache file does not exist", said{word: noFileWord}},
		{"Retrying cache extraction (attempt ", said{word: restartWord}},
		{"Retrying...", said{word: retryWord}},
		{"Successfully extracted cache", said{word: doneWord}},
		{"Archive is up to date!", said{word: upToDateWord, save: true}},
		{"No files to cache.", said{word: noFilesWord, save: true}},
		{"Created cache", said{word: doneWord, save: true}},
		{"Failed to create cache", said{word: failedWord, save: true}},
		{"Primary cache already exists remotely, skipping upload", said{word: existsWord, save: true}},
		{"Primary cache does not exist remotely, uploading existing archive", said{word: quietWord, save: true}},
		{"Renamed alternate cache file to primary", said{word: quietWord, save: true}},
		{"Presigned URL did not honor Range request", said{word: quietWord}},
		{"GoCloud backend does not support range reads", said{word: quietWord}},
		{"Selecting primary cache URL", said{word: quietWord}},
		{"Runtime platform ", said{word: quietWord}},
		{"Restoring cache", said{word: quietWord}},
		{"Saving cache for ", said{word: quietWord}},
	} {
		if strings.HasPrefix(line, f.start) {
			return f.said, true
		}
	}
	return said{}, false
}

// keyed are lines that hold a key between two texts.
// https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/abstract.go
func keyed(line string) (said, bool) {
	for _, k := range []struct {
		before, after string
		said          said
	}{
		{"Checking cache for ", " (fallback)...", said{word: checkingWord, text: "fallback"}},
		{"Checking cache for ", "...", said{word: checkingWord}},
		{"Creating cache ", "...", said{word: creatingWord, save: true}},
		{"Not downloading cache ", " due to policy", said{word: policyWord}},
		{"Not uploading cache ", " due to policy", said{word: policyWord, save: true}},
	} {
		rest, begins := strings.CutPrefix(line, k.before)
		key, ends := strings.CutSuffix(rest, k.after)
		if begins && ends && key != "" {
			k.said.key = key
			return k.said, true
		}
	}
	return said{}, false
}

// readWords says what a line of a cache's section means. The line has no escape
// sequences and no white space around it.
func readWords(line string) said {
	bare := line
	for _, level := range []string{"WARNING: ", "FATAL: "} {
		bare = strings.TrimPrefix(bare, level)
	}
	for _, read := range []func(string) (said, bool){keyed, transfer, fixed, because, files} {
		if s, ok := read(bare); ok {
			return s
		}
	}
	return said{}
}

// transfer reads lines about the archive on its way.
func transfer(line string) (said, bool) {
	for _, t := range []struct {
		verb, to string
		save     bool
	}{{"Downloading ", " from ", false}, {"Uploading ", " to ", true}} {
		rest, ok := strings.CutPrefix(line, t.verb)
		if !ok {
			continue
		}
		if file, url, ok := strings.Cut(rest, t.to); ok && strings.HasPrefix(file, "cache") && strings.Contains(url, "://") {
			url, _, _ = strings.Cut(url, " ") // an ETag may follow
			return said{word: transferWord, url: url, save: t.save}, true
		}
		if strings.HasPrefix(rest, "cache ") { // the meter: 3.21 MB/8.39 MB (1.1 MB/s)
			return said{word: quietWord}, true
		}
	}
	if strings.HasPrefix(line, "cache") && strings.HasSuffix(line, " is up to date") {
		return said{word: upToDateWord}, true
	}
	return said{}, false
}

// because reads lines that end in the runner's reason.
func because(line string) (said, bool) {
	switch {
	case strings.HasPrefix(line, "received: "):
		return received(strings.TrimPrefix(line, "received: ")), true
	case strings.Contains(line, "StatusCode: 403"): // GoCloud
		return said{word: receivedWord, text: "403 Forbidden", expected: strings.Contains(line, "This 403 is expected if the file doesn't exist")}, true
	case line == "Failed to extract cache":
		return said{word: failedWord}, true
	case strings.HasPrefix(line, "Failed to extract cache "):
		return said{word: failedWord, text: afterColon(line)}, true
	case strings.HasPrefix(line, "Failed to obtain environment for cache "):
		return said{word: roleWord, text: afterColon(line)}, true
	case strings.HasPrefix(line, "Unable to generate cache upload environment: "):
		return said{word: roleWord, text: afterColon(line), save: true}, true
	case strings.HasPrefix(line, "Skipping cache extraction due to "):
		return said{word: skippingWord, text: strings.TrimPrefix(line, "Skipping cache extraction due to ")}, true
	case strings.HasPrefix(line, "Skipping cache archiving due to "):
		return said{word: skippingWord, text: strings.TrimPrefix(line, "Skipping cache archiving due to "), save: true}, true
	}
	return said{}, false
}

// afterColon is the reason at the end of a line. Where the text before it names
// a secret, it is that secret.
func afterColon(line string) string {
	before, why, found := strings.Cut(line, ": ")
	if found && strings.HasSuffix(hide(before+": x"), hiddenPart) {
		return hiddenPart
	}
	return why
}

// received reads an HTTP status and, from newer runners, the code of S3's answer:
// 403 Forbidden. Request failed with code: AccessDenied, message: Access Denied.
func received(line string) said {
	status, rest, more := strings.Cut(line, ". Request failed with code: ")
	s := said{word: receivedWord, text: strings.TrimSpace(status)}
	if more {
		code, _, _ := strings.Cut(rest, ",")
		s.code = strings.TrimSpace(code)
	}
	return s
}

// files reads lines about what is archived.
func files(line string) (said, bool) {
	if rest, ok := strings.CutPrefix(line, "Cache archive size ("); ok {
		size, rest, _ := strings.Cut(rest, ") is too big (Limit is set to ")
		limit, _, _ := strings.Cut(rest, ")")
		s := said{word: tooLargeWord, save: true}
		s.size, _ = number(size)
		s.limit, ok = number(limit)
		return s, ok
	}
	if path, _, ok := strings.Cut(line, ": no matching files"); ok {
		return said{word: pathWord, text: path, save: true}, true
	}
	if _, rest, ok := strings.Cut(line, ": found "); ok {
		count, what, _ := strings.Cut(rest, " ")
		if _, isNumber := number(count); isNumber && (what == "files" || strings.HasPrefix(what, "matching ")) {
			return said{word: quietWord, save: true}, true
		}
	}
	return said{}, false
}
