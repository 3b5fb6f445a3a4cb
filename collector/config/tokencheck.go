package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// CheckToken tells what would make a token end, or become another part of, the path
// it is put into, and what looks like something else than a token. Its errors do not
// quote it.
func CheckToken(token string) error {
	const alone = ": put the token alone there"
	switch {
	case token == "":
		return errors.New("is empty: put the apiTokenInstance there")
	case len(token) > maxToken:
		return errors.New("is longer than 4 KiB: this is no token")
	case strings.Trim(token, ".") == "":
		return errors.New("looks like a placeholder (dots only): put the apiTokenInstance there")
	}
	if message := looksLike(token); message != "" {
		return errors.New("looks like " + message)
	}
	for _, c := range []byte(token) {
		switch {
		case c <= ' ':
			return errors.New("holds a space, a line break or a control character" + alone)
		case c >= 0x7f:
			return errors.New("holds a character that is not printable ASCII (perhaps a byte order mark)" + alone)
		case strings.IndexByte("/?#%", c) >= 0:
			return errors.New("holds one of / ? # %, which no token does" + alone + ", not a URL or a path")
		}
	}
	return nil
}

// somethingElse is what people put where a token belongs. GREEN-API's own tokens are
// letters and digits.
var somethingElse = []struct {
	pattern *regexp.Regexp
	message string
}{
	{regexp.MustCompile("^[\"'`\u2018\u2019\u201c\u201d\u201e\u00ab]|[\"'`\u2018\u2019\u201c\u201d\u00bb]$"), "text in quotes, which are not part of the token: remove them (docker's --env-file keeps quotes)"},
	{regexp.MustCompile(`^(?:export +)?[A-Za-z_][A-Za-z0-9_]*=.`), "NAME=token: put only what follows the = there"},
	{regexp.MustCompile(`(?i)^[a-z_]*(?:token|instance)[a-z_]*: *\S`), "name: token: put only what follows the colon there"},
	{regexp.MustCompile(`(?i)^(?:bearer|basic|token) +\S`), "an HTTP header: put the token alone there"},
	{regexp.MustCompile(`^\$`), "a variable that nothing has replaced by its value: put the token itself there"},
	{regexp.MustCompile(`^<.*>$|^\{.*\}$|^\[.*\]$|^%.*%$`), "a placeholder in brackets: put the apiTokenInstance there, without them"},
	{regexp.MustCompile(`\x{2026}|\.\.\.$|^[xX*_-]{3,}$`), "a placeholder, or a token that was cut short: put the whole apiTokenInstance there"},
	{regexp.MustCompile(`(?i)^(?:your[-_ ].*|yourtoken|(?:change|replace)[-_ ]?me|(?:insert|paste|put)[-_ ].*here|api_?token_?instance)$`), "a placeholder: put the apiTokenInstance of the GREEN-API console there"},
	{regexp.MustCompile(`^[a-z]+://`), "a URL: put the token alone there"},
	{regexp.MustCompile(`^(?:\.{0,2}|~|[A-Za-z]:)?[/\\]`), "the path of a file: token_file takes that"},
}

// looksLike tells what a token is more likely to be; "" when it may well be one.
func looksLike(token string) string {
	if len(token) > 200 {
		return "" // no mistake of these is as long
	}
	for _, s := range somethingElse {
		if s.pattern.MatchString(token) {
			return s.message
		}
	}
	return ""
}

// unquoted tells whether a value from the environment is in quotes: docker's
// --env-file, and systemd's EnvironmentFile in places, keep them.
func unquoted(text string) error {
	quotes := []string{`"`, "'", "`"}
	if slices.ContainsFunc(quotes, func(q string) bool { return strings.HasPrefix(text, q) || strings.HasSuffix(text, q) }) {
		return errors.New("is in quotes: remove them (docker's --env-file keeps quotes)")
	}
	return nil
}
