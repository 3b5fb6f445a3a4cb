package config

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"

	promconfig "github.com/prometheus/common/config"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// maxToken bounds a token, in bytes, and the file it is in.
const maxToken = 4 << 10

// token reads where the token comes from: exactly one of three keys.
func (r *reader) token(parent place, f map[string]place) client.TokenSource {
	var first place
	for _, key := range []string{"token_file", "token_env", "token"} {
		at, ok := f[key]
		switch {
		case ok && first.node == nil:
			first = at
		case ok:
			r.fault(at, "is a second token, after "+first.line()+": keep one of token_file, token_env and token")
		}
	}
	if first.node == nil {
		r.fault(parent, "lacks its token: add token_file (or token_env, or token)")
		return nil
	}
	text, ok := r.text(first)
	if !ok {
		return nil
	}
	switch first {
	case f["token_file"]:
		return r.tokenFile(first, text, written(f["id"]))
	case f["token_env"]:
		return r.tokenEnv(first, text)
	}
	r.inlineToken = true
	r.warn(first, "is in the configuration file itself: whoever reads that can act as the instance, better use token_file")
	if !r.check(first, CheckToken(text)) {
		return nil
	}
	return client.NewToken(text)
}

func (r *reader) tokenFile(at place, path, id string) client.TokenSource {
	if path == "" {
		r.fault(at, "is empty: give the path of a file that holds the token")
		return nil
	}
	resolved := promconfig.JoinDir(r.folder, path)
	token, mode, err := readToken(resolved)
	if err != nil {
		r.fault(at, err.Error()+" ("+shownPath(r.folder, path, id)+")")
		return nil
	}
	r.permissions(at, mode, true, "the file")
	return newTokenFile(resolved, token)
}

// written is the text of a value; "" when there is none.
func written(at place) string {
	if at.node == nil {
		return ""
	}
	return at.node.Value
}

func (r *reader) tokenEnv(at place, name string) client.TokenSource {
	r.tokenEnvs = append(r.tokenEnvs, name)
	token, _ := r.lookup(name)
	if token = strings.TrimSpace(token); token == "" {
		r.fault(at, "names an environment variable that is not set, or empty: set it to the token (token_env takes the variable's name, without $)")
		return nil
	}
	if err := CheckToken(token); err != nil {
		r.fault(at, "names an environment variable whose value "+err.Error())
		return nil
	}
	return client.NewToken(token)
}

// TokenFile is a token in a file, which is read again for every request, so that
// a rotated token needs no restart. It is safe for concurrent use.
type TokenFile struct {
	path string

	mu      sync.Mutex
	last    client.Token
	problem string // why the last read failed; "" when it did not
	notify  func(error)
}

var _ client.TokenSource = (*TokenFile)(nil)

func newTokenFile(path, token string) *TokenFile {
	return &TokenFile{path: path, last: client.NewToken(token)}
}

// Token implements client.TokenSource. While the file cannot be read, or holds no
// token, it returns the last good one and no error: GREEN-API may well still take
// it. See Notify for the reason.
func (f *TokenFile) Token() (client.Token, error) {
	token, changed, err := f.reread()
	if changed != nil {
		changed(err)
	}
	return token, nil
}

// Notify has fn called when a read begins to fail, or to fail for another reason,
// and with nil when reading works again: once each, not at every request. The
// errors quote neither path nor content. By default, nobody is told. Fn is called
// on the goroutine that asked for the token, and may ask for it itself.
func (f *TokenFile) Notify(fn func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notify = fn
}

// reread returns the token to use, what went wrong, and whom to tell of it if that
// is news.
func (f *TokenFile) reread() (token client.Token, changed func(error), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, _, err := readToken(f.path)
	problem := ""
	if err != nil {
		problem = err.Error()
	} else if text != f.last.Reveal() {
		f.last = client.NewToken(text)
	}
	if problem != f.problem {
		f.problem, changed = problem, f.notify
	}
	return f.last, changed, err
}

// readToken returns the token in a file, and the file's mode. Its errors quote
// neither path nor content.
func readToken(path string) (token string, mode fs.FileMode, err error) {
	text, mode, err := ReadFile(path, maxToken)
	if err == nil {
		token = strings.TrimSpace(string(text))
		err = CheckToken(token)
	}
	if err != nil {
		return "", 0, fmt.Errorf("the token file %w", err)
	}
	return token, mode, nil
}
