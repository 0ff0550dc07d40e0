package refs

import "strings"

// chartName is the name of the chart whose values are read.
const chartName = "gitlab-runner"

// helm reads values of the gitlab-runner chart, also as those of a chart that has
// it as a part. It reports whether n is of that kind.
func (r *reader) helm(n *node) bool {
	if part := n.get(chartName); part.isObject() {
		r.values(part, Text{}, Text{})
		return true
	}
	if !isValues(n) {
		return false
	}
	r.values(n, Text{}, Text{})
	return true
}

// isValues goes by keys that hardly another chart has.
func isValues(n *node) bool {
	runners := n.get("runners")
	switch {
	case !n.isObject() || n.has("apiVersion"):
		return false
	case n.has("gitlabUrl"), n.has("runnerToken"), n.has("runnerRegistrationToken"):
		return true
	case runners.isObject() && (runners.has("config") || runners.has("tags") || runners.has("executor") || runners.has("serviceAccountName") || runners.has("cache") || runners.has("secret")):
		return true
	}
	rbac := n.get("rbac")
	return rbac.isObject() && (rbac.has("serviceAccountAnnotations") || rbac.has("serviceAccountName") || rbac.has("clusterWideAccess"))
}

// values reads the values; namespace and release are known where they stand in
// something that installs the chart.
func (r *reader) values(n *node, namespace, release Text) {
	account, rbac := n.get("serviceAccount"), n.get("rbac")
	m := Manager{
		At: n.place(), Create: truth(inSection(n, account, "create")), Name: inSection(n, account, "name"), Annotations: eksAnnotations(account.get("annotations")),
		RBAC: RBAC{
			At: rbac.place(), Create: truth(inSection(n, rbac, "create")), ServiceAccountName: inSection(n, rbac, "serviceAccountName"),
			Annotations: eksAnnotations(rbac.get("serviceAccountAnnotations")), ClusterWideAccess: truth(inSection(n, rbac, "clusterWideAccess")),
		},
		Namespace: namespace, Release: release, Old: oldKeys(n),
	}
	before := len(r.set.Runners)
	if config := n.get("runners", "config"); config != nil && config.kind == formScalar {
		r.toml(config.inner(), FromHelm, namespace)
	}
	for i := before; i < len(r.set.Runners); i++ {
		m.Runners = append(m.Runners, i)
	}
	r.set.Managers = append(r.set.Managers, m)
}

// inSection is a member of a section; without the section it stands where n does.
func inSection(n, section *node, name string) Text {
	if !section.isObject() {
		return Text{At: n.place()}
	}
	return section.field(name)
}

// replacedKeys are keys that an account, a namespace or a cache once had in the chart.
// https://gitlab.com/gitlab-org/gitlab/-/issues/379064
// https://gitlab.com/gitlab-org/charts/gitlab-runner/-/issues/459
// https://gitlab.com/gitlab-org/charts/gitlab-runner/-/merge_requests/415
func replacedKeys() []OldKey {
	key := func(path, since, instead string, removed bool) OldKey {
		return OldKey{Key: Text{Text: path}, Since: since, Removed: removed, Instead: instead}
	}
	const gone, cache = "0.53.0", "[runners.cache] in runners.config: "
	return []OldKey{
		key("rbac.serviceAccountName", "0.66.0", "serviceAccount.name", false),
		key("rbac.serviceAccountAnnotations", "0.66.0", "serviceAccount.annotations", false),
		key("runners.serviceAccountName", gone, "[runners.kubernetes] in runners.config: service_account", true),
		key("runners.namespace", gone, "[runners.kubernetes] in runners.config: namespace", true),
		key("runners.cache.cacheType", gone, cache+"Type", true),
		key("runners.cache.cachePath", gone, cache+"Path", true),
		key("runners.cache.s3CachePath", gone, cache+"Path", true),
		key("runners.cache.cacheShared", gone, cache+"Shared", true),
		key("runners.cache.s3ServerAddress", gone, "[runners.cache.s3] in runners.config: ServerAddress", true),
		key("runners.cache.s3BucketName", gone, "[runners.cache.s3] in runners.config: BucketName", true),
		key("runners.cache.s3BucketLocation", gone, "[runners.cache.s3] in runners.config: BucketLocation", true),
		key("runners.cache.s3CacheInsecure", gone, "[runners.cache.s3] in runners.config: Insecure", true),
	}
}

func oldKeys(n *node) []OldKey {
	var found []OldKey
	for _, k := range replacedKeys() {
		path := strings.Split(k.Key.Text, ".")
		parent := n.get(path[:len(path)-1]...)
		if parent == nil {
			continue
		}
		name := path[len(path)-1]
		i, there := parent.find(name)
		if !there {
			continue
		}
		k.Key.At = parent.members[i].word().At
		k.Value = parent.field(name)
		found = append(found, k)
	}
	return found
}

// release reads what installs a chart from within the cluster: a HelmRelease of
// Flux, a HelmChart of K3s or an Application of Argo CD.
func (r *reader) release(n, meta *node) {
	spec := n.get("spec")
	name := meta.field("name")
	flux := spec.get("chart", "spec")
	if flux.field("chart").Text == chartName {
		namespace := spec.field("targetNamespace").Or(meta.field("namespace"))
		r.nested(spec.get("values"), namespace, spec.field("releaseName").Or(name))
	}
	if spec.field("chart").Text == chartName {
		r.nested(spec.get("valuesContent"), spec.field("targetNamespace").Or(meta.field("namespace")), name)
	}
	for _, source := range append(spec.get("source").all(), spec.get("sources").all()...) {
		if source.field("chart").Text != chartName {
			continue
		}
		namespace, helm := spec.get("destination").field("namespace"), source.get("helm")
		release := helm.field("releaseName").Or(name)
		r.nested(helm.get("valuesObject"), namespace, release)
		r.nested(helm.get("values"), namespace, release)
	}
}

// nested reads values that stand in another object, as a mapping or as a text.
func (r *reader) nested(n *node, namespace, release Text) {
	switch {
	case n == nil:
	case n.kind == formObject:
		r.values(n, namespace, release)
	case n.kind == formScalar:
		all, broken := r.yamlDocuments(n.inner())
		for _, e := range broken {
			r.unread(n.inner().place(e.at), Broken, e.what)
		}
		for _, v := range all {
			if v.isObject() {
				r.values(v, namespace, release)
			}
		}
	}
}
