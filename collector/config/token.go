package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
			r.fault(at, "is one token too many beside "+first.line()+": keep one of token_file, token_env and token")
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
		return r.tokenFile(first, text)
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

func (r *reader) tokenFile(at place, path string) client.TokenSource {
	if path == "" {
		r.fault(at, "is empty: give the path of a file that holds the token")
		return nil
	}
	path = promconfig.JoinDir(r.folder, path)
	token, mode, err := readToken(path)
	if !r.check(at, err) {
		return nil
	}
	r.permissions(at, mode, true, "the file")
	return newTokenFile(path, token)
}

func (r *reader) tokenEnv(at place, name string) client.TokenSource {
	token, ok := r.lookup(name)
	if !ok || token == "" {
		r.fault(at, "names an environment variable that is not set, or empty: set it to the token (token_env takes the variable's name)")
		return nil
	}
	if err := CheckToken(token); err != nil {
		r.fault(at, "names an environment variable whose value "+err.Error())
		return nil
	}
	return client.NewToken(token)
}

// CheckToken tells what would make a token end, or become another part of, the
// path it is put into. Its errors do not quote it.
func CheckToken(token string) error {
	switch {
	case token == "":
		return errors.New("is empty: put the apiTokenInstance there")
	case len(token) > maxToken:
		return errors.New("is longer than 4 KiB: this is no token")
	case strings.Trim(token, ".") == "":
		return errors.New("is dots only: this is no token")
	}
	for _, c := range []byte(token) {
		switch {
		case c <= ' ':
			return errors.New("holds a space, a line break or a control character: put the token alone there")
		case c >= 0x7f:
			return errors.New("holds a character that is not printable ASCII (perhaps a byte order mark): put the token alone there")
		case strings.IndexByte("/?#%", c) >= 0:
			return errors.New("holds one of / ? # %, which no token does: put the token alone there, not a URL")
		}
	}
	return nil
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

// OpenTokenFile reads the token in the file at path: printable ASCII without white
// space or any of / ? # %, at most 4 KiB, trimmed. Its error, which quotes neither
// path nor content, says why there is none.
func OpenTokenFile(path string) (*TokenFile, error) {
	token, _, err := readToken(path)
	if err != nil {
		return nil, err
	}
	return newTokenFile(path, token), nil
}

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

// readToken returns the token in a file, and the file's mode. It looks before it
// opens, because a pipe would hold up whoever opens it.
func readToken(path string) (token string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, tokenFileError(unreadable(err))
	}
	if !info.Mode().IsRegular() {
		return "", 0, errors.New("the token file is a folder or a device: it must be a regular file, because it is read for every request")
	}
	text, err := readBounded(path)
	if err != nil {
		return "", 0, tokenFileError(err)
	}
	token = strings.TrimSpace(text)
	if err := CheckToken(token); err != nil {
		return "", 0, tokenFileError(err)
	}
	return token, info.Mode(), nil
}

func tokenFileError(err error) error { return fmt.Errorf("the token file %w", err) }

// readBounded reads one byte more than a token may have, so that a larger one shows.
func readBounded(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // The path is the operator's own configuration.
	if err != nil {
		return "", unreadable(err)
	}
	text, readErr := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err := errors.Join(readErr, f.Close()); err != nil {
		return "", unreadable(err)
	}
	return string(text), nil
}
