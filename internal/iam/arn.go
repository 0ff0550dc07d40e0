package iam

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// RoleARN names an IAM role: arn:<Partition>:iam::<Account>:role<Path><Name>.
type RoleARN struct {
	Partition string
	Account   string // 12 digits
	Path      string // "/" or "/…/"; empty means "/"
	Name      string
}

// String gives the ARN as IAM writes it.
func (a RoleARN) String() string {
	path := a.Path
	if path == "" {
		path = "/"
	}
	return "arn:" + a.Partition + ":iam::" + a.Account + ":role" + path + a.Name
}

// AssumedRole names a session of a role, as GetCallerIdentity gives it:
// arn:<Partition>:sts::<Account>:assumed-role/<Role>/<Session>. The role's
// path is not part of it.
type AssumedRole struct {
	Partition string
	Account   string // 12 digits
	Role      string
	Session   string
}

// String gives the ARN as STS writes it.
func (a AssumedRole) String() string {
	return "arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + a.Role + "/" + a.Session
}

// ParseRoleARN reads a role ARN as strictly as STS does. The error is a
// predicate about the ARN ("names a user, not a role") that the caller puts
// behind the ARN and the place it came from.
func ParseRoleARN(s string) (RoleARN, error) {
	partition, account, resource, err := splitARN(s, "iam", "role")
	if err != nil {
		return RoleARN{}, err
	}
	rest, ok := strings.CutPrefix(resource, "role/")
	if !ok {
		return RoleARN{}, notRole(resource)
	}
	slash := strings.LastIndexByte(rest, '/')
	path, name := "/"+rest[:slash+1], rest[slash+1:]
	if err := checkName("role name", name); err != nil {
		return RoleARN{}, err
	}
	if len(path) > 512 {
		return RoleARN{}, fmt.Errorf("role path has %d characters, more than 512", len(path))
	}
	if i := strings.IndexFunc(path, func(r rune) bool { return r < '!' || r > '~' }); i >= 0 {
		return RoleARN{}, fmt.Errorf("role path %q has a character that IAM does not allow", path)
	}
	return RoleARN{Partition: partition, Account: account, Path: path, Name: name}, nil
}

// ParseAssumedRole reads the ARN of a role's session. Errors are predicates, as
// those of ParseRoleARN.
func ParseAssumedRole(s string) (AssumedRole, error) {
	partition, account, resource, err := splitARN(s, "sts", "session")
	if err != nil {
		return AssumedRole{}, err
	}
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[0] != "assumed-role" {
		return AssumedRole{}, errors.New("is not of the form assumed-role/ROLE/SESSION")
	}
	if err := checkName("role name", parts[1]); err != nil {
		return AssumedRole{}, err
	}
	if err := checkName("session name", parts[2]); err != nil {
		return AssumedRole{}, err
	}
	return AssumedRole{Partition: partition, Account: account, Role: parts[1], Session: parts[2]}, nil
}

// splitARN checks what the ARNs of all global resources have in common.
func splitARN(s, service, kind string) (partition, account, resource string, err error) {
	if s == "" {
		return "", "", "", errors.New("is empty")
	}
	position := 0
	for _, r := range s {
		position++
		if name := unprintable(r); name != "" {
			return "", "", "", fmt.Errorf("has %s at character %d", name, position)
		}
	}
	parts := strings.SplitN(s, ":", 6)
	if parts[0] != "arn" {
		return "", "", "", errors.New(`does not start with "arn:"`)
	}
	if len(parts) < 6 {
		return "", "", "", fmt.Errorf("has %d colons, not 5", len(parts)-1)
	}
	partition, account, resource = parts[1], parts[4], parts[5]
	switch {
	case !knownPartition(partition):
		return "", "", "", fmt.Errorf("partition %q is none of AWS's", partition)
	case service == "iam" && parts[2] == "sts" && strings.HasPrefix(resource, "assumed-role/"):
		return "", "", "", errors.New("names a session of an assumed role, not the role itself")
	case parts[2] != service:
		return "", "", "", fmt.Errorf("names the service %q, not %q", parts[2], service)
	case parts[3] != "":
		return "", "", "", fmt.Errorf("has the region %q where a %s has none", parts[3], kind)
	}
	if err := checkAccount(account); err != nil {
		return "", "", "", err
	}
	return partition, account, resource, nil
}

func checkAccount(account string) error {
	if account == "" {
		return errors.New("no account between the colons")
	}
	if i := strings.IndexFunc(account, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		return fmt.Errorf("account %q is not a number", account)
	}
	if len(account) != 12 {
		return fmt.Errorf("account %q has %d digits, not 12", account, len(account))
	}
	return nil
}

// checkName holds the rule that role names and session names share.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func checkName(what, name string) error {
	if name == "" {
		return fmt.Errorf("has no %s", what)
	}
	for _, r := range name {
		if !isNameRune(r) {
			return fmt.Errorf("%s %q has %q, which IAM does not allow", what, name, r)
		}
	}
	if len(name) > 64 {
		return fmt.Errorf("%s has %d characters, more than 64", what, len(name))
	}
	return nil
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("_+=,.@-", r)
}

// notRole says what an ARN names that is not a role.
func notRole(resource string) error {
	kind, _, _ := strings.Cut(resource, "/")
	switch kind {
	case "role":
		return errors.New("has no role name")
	case "root":
		return errors.New("names an account, not a role")
	case "user", "group", "policy", "server-certificate", "mfa":
		return fmt.Errorf("names a %s, not a role", kind)
	case "instance-profile", "oidc-provider":
		return fmt.Errorf("names an %s, not a role", kind)
	}
	return fmt.Errorf("names %q, not a role", resource)
}

// unprintable names a rune that cannot stand in an ARN and that no eye sees.
func unprintable(r rune) string {
	switch r {
	case ' ':
		return "a blank"
	case '\t':
		return "a tab"
	case '\n':
		return "a newline"
	case '\r':
		return "a carriage return"
	}
	if unicode.IsSpace(r) || unicode.IsControl(r) || !unicode.IsPrint(r) {
		return fmt.Sprintf("the character %U", r)
	}
	return ""
}

// partitionOfPrefix gives the partition of regions that start so; all others are of "aws".
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partitionOfPrefix() []struct{ prefix, partition string } {
	return []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-iso-", "aws-iso"},
		{"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"},
		{"us-isof-", "aws-iso-f"},
		{"eusc-", "aws-eusc"},
	}
}

// PartitionOfRegion gives the partition that a region belongs to: "aws" unless
// its name says otherwise.
func PartitionOfRegion(region string) string {
	region = strings.TrimPrefix(region, "aws-") // the pseudo region of a partition: aws-cn-global
	for _, p := range partitionOfPrefix() {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

func knownPartition(partition string) bool {
	if partition == "aws" {
		return true
	}
	for _, p := range partitionOfPrefix() {
		if partition == p.partition {
			return true
		}
	}
	return false
}
