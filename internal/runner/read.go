package runner

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

func quote(s string) string { return catalogue.Quote(s) }

// Read reads the text of a file; the name goes into every place. What is not
// TOML, and what the runner itself would refuse (a key twice, a number where a
// text belongs), is a *SyntaxError.
func Read(file string, document []byte) (Config, error) {
	document = bytes.Clone(bytes.TrimPrefix(document, []byte("\uFEFF")))
	r := newReader(file, document)
	if bytes.HasPrefix(document, []byte{0xFF, 0xFE}) || bytes.HasPrefix(document, []byte{0xFE, 0xFF}) {
		return Config{}, r.fail(r.place(0), "the text is UTF-16, not UTF-8")
	}
	root, err := r.read()
	if err != nil {
		return Config{}, err
	}
	d := decoder{reader: r}
	c := Config{File: file}
	runners := root.find("runners")
	switch {
	case runners == nil:
	case runners.kind != unstable.ArrayTable:
		return Config{}, r.fail(runners.at, "runners is no list of sections: a runner starts with [[runners]], in two brackets")
	default:
		for _, t := range runners.list {
			c.Runners = append(c.Runners, d.runner(t))
		}
	}
	if d.err != nil {
		return Config{}, d.err
	}
	return c, nil
}

// decoder takes settings out of tables and keeps the first error.
type decoder struct {
	*reader
	err error
}

func (d *decoder) refuse(i *item, name, want string) {
	if d.err == nil {
		d.err = d.fail(i.at, name+" is not "+want)
	}
}

// value gives a scalar of one kind.
func (d *decoder) value(t *table, name string, kind unstable.Kind, want string) Value {
	i := t.find(name)
	if i == nil {
		return Value{At: t.at}
	}
	if i.kind != kind {
		d.refuse(i, name, want)
		return Value{At: i.at}
	}
	return Value{i.text, i.at}
}

func (d *decoder) text(t *table, name string) Value {
	return d.value(t, name, unstable.String, "a text in quotes")
}

func (d *decoder) flag(t *table, name string) Value {
	return d.value(t, name, unstable.Bool, "true or false")
}

func (d *decoder) number(t *table, name string) Value {
	return d.value(t, name, unstable.Integer, "a whole number")
}

func (d *decoder) secret(t *table, name string) Hidden {
	v := d.text(t, name)
	return Hidden{v.Known(), v.At}
}

// section gives a table within t; an empty one where there is none, with the
// place of t.
func (d *decoder) section(t *table, name string) (*table, bool) {
	i := t.find(name)
	switch {
	case i == nil:
	case i.kind != unstable.Table:
		d.refuse(i, name, "a section")
	default:
		return i.table, true
	}
	return newTable(t.at), false
}

func (d *decoder) runner(t *table) Runner {
	kubernetes, _ := d.section(t, "kubernetes")
	cache, _ := d.section(t, "cache")
	r := Runner{
		At: t.at, Name: d.text(t, "name"), URL: withoutUser(d.text(t, "url")), Executor: d.text(t, "executor"), Token: d.secret(t, "token"),
		Environment: d.environment(t), Kubernetes: d.kubernetes(kubernetes), Cache: d.cache(cache),
	}
	r.Slips = append(misplaced(t, kubernetes), slips(kubernetes, "[runners.kubernetes]", "namespace", "service_account", "service_account_overwrite_allowed")...)
	r.Slips = append(r.Slips, slips(cache, "[runners.cache]", "Type", "Path", "Shared")...)
	if s3, ok := d.section(cache, "s3"); ok {
		r.Slips = append(r.Slips, slips(s3, "[runners.cache.s3]", "ServerAddress", "BucketName", "BucketLocation", "AuthenticationType", "RoleARN", "UploadRoleARN")...)
	}
	return r
}

// withoutUser drops a user and password from an address.
func withoutUser(v Value) Value {
	u, err := url.Parse(v.Text)
	if err != nil {
		return Value{At: v.At}
	}
	u.User = nil
	v.Text = u.String()
	return v
}

func (d *decoder) kubernetes(t *table) Kubernetes {
	security, _ := d.section(t, "pod_security_context")
	return Kubernetes{
		At:                             t.at,
		Namespace:                      d.text(t, "namespace"),
		NamespaceOverwriteAllowed:      d.text(t, "namespace_overwrite_allowed"),
		ServiceAccount:                 d.text(t, "service_account"),
		ServiceAccountOverwriteAllowed: d.text(t, "service_account_overwrite_allowed"),
		AutomountServiceAccountToken:   d.flag(t, "automount_service_account_token"),
		BearerToken:                    d.secret(t, "bearer_token"),
		PodSecurityContext: PodSecurityContext{
			At: security.at, FSGroup: d.number(security, "fs_group"),
			RunAsUser: d.number(security, "run_as_user"), RunAsGroup: d.number(security, "run_as_group"),
		},
	}
}

func (d *decoder) cache(t *table) Cache {
	c := Cache{
		At: t.at, Type: d.text(t, "Type"), Path: d.text(t, "Path"), Shared: d.flag(t, "Shared"),
		MaxUploadedArchiveSize: d.number(t, "MaxUploadedArchiveSize"),
	}
	s3, ok := d.section(t, "s3")
	c.S3 = d.s3(s3)
	if !ok {
		c.S3.At = report.Place{}
	}
	d.flat(t, &c)
	return c
}

func (d *decoder) s3(t *table) S3 {
	return S3{
		At:                                  t.at,
		ServerAddress:                       d.text(t, "ServerAddress"),
		AccessKey:                           d.secret(t, "AccessKey"),
		SecretKey:                           d.secret(t, "SecretKey"),
		SessionToken:                        d.secret(t, "SessionToken"),
		BucketName:                          d.text(t, "BucketName"),
		BucketLocation:                      d.text(t, "BucketLocation"),
		Insecure:                            d.flag(t, "Insecure"),
		AuthenticationType:                  d.text(t, "AuthenticationType"),
		ServerSideEncryption:                d.text(t, "ServerSideEncryption"),
		ServerSideEncryptionKeyID:           d.text(t, "ServerSideEncryptionKeyID"),
		DualStack:                           d.flag(t, "DualStack"),
		PathStyle:                           d.flag(t, "PathStyle"),
		Accelerate:                          d.flag(t, "Accelerate"),
		RoleARN:                             d.text(t, "RoleARN"),
		UploadRoleARN:                       d.text(t, "UploadRoleARN"),
		AssumeRoleMaxConcurrency:            d.number(t, "AssumeRoleMaxConcurrency"),
		DisableAssumeRoleCredentialsCaching: d.flag(t, "DisableAssumeRoleCredentialsCaching"),
	}
}

// flat takes the settings of S3 that stand in [runners.cache], where runners up
// to 11 had them.
// https://gitlab.com/gitlab-org/gitlab-runner/-/issues/4070
func (d *decoder) flat(t *table, c *Cache) {
	for _, name := range []string{"ServerAddress", "AccessKey", "SecretKey", "BucketName", "BucketLocation", "Insecure"} {
		if i := t.find(name); i != nil {
			c.Flat = append(c.Flat, Value{name, i.key})
		}
	}
	s := &c.S3
	s.ServerAddress = s.ServerAddress.Or(d.text(t, "ServerAddress"))
	s.BucketName = s.BucketName.Or(d.text(t, "BucketName"))
	s.BucketLocation = s.BucketLocation.Or(d.text(t, "BucketLocation"))
	s.Insecure = s.Insecure.Or(d.flag(t, "Insecure"))
	for _, k := range []struct {
		kept *Hidden
		name string
	}{{&s.AccessKey, "AccessKey"}, {&s.SecretKey, "SecretKey"}} {
		if h := d.secret(t, k.name); h.Set && !k.kept.Set {
			*k.kept = h
		}
	}
}

// slips are the keys of t that are none of wanted but look like one.
func slips(t *table, section string, wanted ...string) []Slip {
	var found []Slip
	for _, name := range t.names {
		meant := slices.IndexFunc(wanted, func(w string) bool { return near.Slip(name, w) != "" })
		if meant >= 0 && !known(name, wanted) {
			found = append(found, Slip{Value{name, t.items[name].key}, section, wanted[meant] + " in " + section, lost(t, wanted[meant])})
		}
	}
	return found
}

// lost reports whether t lacks a setting without which jobs get another account,
// or caches another place.
func lost(t *table, name string) bool {
	i := t.find(name)
	return slices.Contains([]string{"namespace", "service_account", "Type", "ServerAddress", "BucketName", "BucketLocation"}, name) &&
		(i == nil || i.kind == unstable.String && i.text == "")
}

// known reports whether the runner takes name for one of wanted, as find does.
func known(name string, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(name, w) })
}

// misplaced are settings of [runners.kubernetes] that stand in [[runners]].
func misplaced(t, kubernetes *table) []Slip {
	var found []Slip
	for _, name := range []string{"service_account", "service_account_overwrite_allowed", "namespace"} {
		if i := t.find(name); i != nil {
			found = append(found, Slip{Value{name, i.key}, "[[runners]]", name + " in [runners.kubernetes]", lost(kubernetes, name)})
		}
	}
	return found
}
