package client

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// lenient is what real journals need of a strict parser: keys may repeat (the last
// holds), and texts cut in the middle of an emoji are no reason to lose a journal.
var lenient = []jsontext.Options{
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
}

// maxToken bounds one string or number of an answer, in bytes, because the parser
// holds it whole. Thumbnails, the largest seen, take some 100 kB.
const maxToken = 4 << 20

// Sizes of a parser's buffer, in bytes: that of a new one, and up to which it is kept for
// the next answer. Thumbnails make it 256 KiB, a token of the largest size 8 MiB.
const (
	bufferSize = 64 << 10
	keptBuffer = 256 << 10
)

// decoder reads the fields of records. A value of the wrong type is skipped and
// marks its field; so a field that repeats is judged by its last value.
type decoder struct {
	json    *jsontext.Decoder
	in      io.Reader
	n       int64  // bytes given to the parser
	readErr error  // what ended reading, if not the end
	bad     fields // fields whose last value was of the wrong type
	scratch []byte
}

// fields is a set of a record's fields.
type fields uint

var decoders = sync.Pool{New: func() any {
	return &decoder{json: roomyParser()}
}}

// roomyParser returns a parser whose buffer holds several thumbnails. By itself it
// grows to one value at most, so that most thumbnails lie across its end and are
// scanned twice. It never shrinks, so a long value grows it once and for all.
func roomyParser() *jsontext.Decoder {
	long := `"` + strings.Repeat(" ", bufferSize/2) + `"`
	json := jsontext.NewDecoder(strings.NewReader(long))
	if err := json.SkipValue(); err != nil {
		panic(err) // a string of spaces
	}
	return json
}

func newDecoder(in io.Reader) *decoder {
	d, _ := decoders.Get().(*decoder)
	d.in, d.n, d.readErr, d.bad = in, 0, nil, 0
	d.json.Reset(d, lenient...)
	return d
}

// free gives the decoder back, unless a large token has made its buffer too large to
// be kept.
func (d *decoder) free() {
	d.in = nil
	if d.buffer() <= keptBuffer {
		decoders.Put(d)
	}
}

// buffer returns the size of the parser's buffer. It ends reading: before a reset, the
// parser shows only what it has not read yet.
func (d *decoder) buffer() int {
	d.json.Reset(d, lenient...)
	return cap(d.json.UnreadBuffer())
}

// Read implements io.Reader for the parser and bounds what it holds.
func (d *decoder) Read(p []byte) (int, error) {
	if d.n-d.json.InputOffset() > maxToken {
		d.readErr = tooLarge("a single value of more than 4 MiB")
		return 0, d.readErr
	}
	n, err := d.in.Read(p)
	d.n += int64(n)
	if err != nil && err != io.EOF {
		d.readErr = err
	}
	return n, err
}

// failure tells what went wrong from what the parser made of it, whose errors
// quote the answer.
func (d *decoder) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case d.readErr != nil:
		return d.readErr
	default:
		return malformed("no JSON from byte " + strconv.FormatInt(d.json.InputOffset(), 10) + " on")
	}
}

// end makes sure that the body ends where the value did.
func (d *decoder) end() error {
	switch _, err := d.json.ReadToken(); {
	case errors.Is(err, io.EOF) && d.readErr == nil:
		return nil
	case err != nil:
		return d.failure(err)
	default:
		return malformed("something follows the end")
	}
}

// record is a type of record: it takes its members one by one.
type record[R any] interface {
	*R
	reset()
	member(d *decoder, name string) error
}

// readRecord reads the next element of the array into r and tells whether it was
// a record.
func readRecord[R any, P record[R]](d *decoder, r P) (valid bool, err error) {
	r.reset()
	d.bad = 0
	isObject, err := d.object(r.member)
	return isObject && d.bad == 0, err
}

// object reads the members of an object. Any other value is skipped.
func (d *decoder) object(member func(*decoder, string) error) (isObject bool, err error) {
	if d.json.PeekKind() != '{' {
		return false, d.json.SkipValue()
	}
	if _, err := d.json.ReadToken(); err != nil {
		return false, err
	}
	for d.json.PeekKind() != '}' {
		name, err := d.name()
		if err != nil {
			return false, err
		}
		if err := member(d, name); err != nil {
			return false, err
		}
	}
	_, err = d.json.ReadToken()
	return true, err
}

// names are the members that are used; a name that is none of them is "".
var names = words(append(vocabulary.Labels(vocabulary.Settings()),
	"idMessage", "timestamp", "chatId", "typeMessage", "duration", "isVideo", "status",
	"participants", "statusMessage", "sendByApi", "type",
	"stateInstance", "count", "suspendedUntil",
	"idInstance", "apiTokenInstance", "expirationDate", "isExpired", "deleted")...)

// name reads the name of a member.
func (d *decoder) name() (string, error) {
	raw, err := d.json.ReadValue()
	if err != nil {
		return "", err
	}
	name, _ := d.find(names, raw)
	return name, nil
}

// wordList is words by their length. Most names are one of them; to compare is
// quicker than to hash, and takes no memory.
type wordList [][]string

func words(list ...string) wordList {
	var v wordList
	for _, word := range list {
		for len(v) <= len(word) {
			v = append(v, nil)
		}
		v[len(word)] = append(v[len(word)], word)
	}
	return v
}

func (v wordList) find(text []byte) string {
	if len(text) < len(v) {
		for _, word := range v[len(text)] {
			if word == string(text) {
				return word
			}
		}
	}
	return ""
}

// find returns the word that a JSON string is; where it is none, "" and its text,
// valid until the next value is read.
func (d *decoder) find(v wordList, raw jsontext.Value) (word string, text []byte) {
	if word := v.find(raw[1 : len(raw)-1]); word != "" {
		return word, nil
	}
	text = d.unquote(raw)
	return v.find(text), text
}

// unquote returns the text of a JSON string, valid until the next value is read.
func (d *decoder) unquote(raw jsontext.Value) []byte {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return raw[1 : len(raw)-1]
	}
	// Perhaps invalid UTF-8: the only error, and it is replaced.
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], raw)
	return d.scratch
}

// set marks a field as good or bad.
func (d *decoder) set(field fields, good bool) {
	if good {
		d.bad &^= field
	} else {
		d.bad |= field
	}
}

// pardon makes a field good that only fills a label, and reports whether it was bad.
func (d *decoder) pardon(field fields) (wasBad bool) {
	wasBad = d.bad&field != 0
	d.set(field, true)
	return wasBad
}

// skip skips a value of the wrong type, or a null, which stands for a missing
// member.
func (d *decoder) skip(field fields) error {
	d.set(field, d.json.PeekKind() == 'n')
	return d.json.SkipValue()
}

// text reads a string into dst[:0]; null gives an empty one.
func (d *decoder) text(field fields, dst []byte) ([]byte, error) {
	if d.json.PeekKind() != '"' {
		return dst[:0], d.skip(field)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return dst[:0], err
	}
	d.set(field, true)
	return append(dst[:0], d.unquote(raw)...), nil
}

// word reads a string that is one of a closed set, and returns what find makes of it;
// null is a missing word. A value that is no string marks the field, and is missing.
func word[W any](d *decoder, field fields, find func(text []byte) (W, bool)) (W, error) {
	missing, _ := find(nil)
	if d.json.PeekKind() != '"' {
		return missing, d.skip(field)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return missing, err
	}
	d.set(field, true)
	if found, listed := find(raw[1 : len(raw)-1]); listed {
		return found, nil
	}
	found, _ := find(d.unquote(raw))
	return found, nil
}

// maxText bounds what is kept of a short text, in bytes.
const maxText = 64

// shortText reads a string, of which it keeps the beginning; null gives "".
func (d *decoder) shortText(field fields) (string, error) {
	if d.json.PeekKind() != '"' {
		return "", d.skip(field)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return "", err
	}
	d.set(field, true)
	text := d.unquote(raw)
	return string(text[:min(len(text), maxText)]), nil
}

// reject reads a value, and marks the field when it is a certain word.
func (d *decoder) reject(field fields, unwanted string) error {
	if d.json.PeekKind() != '"' {
		d.set(field, true)
		return d.json.SkipValue()
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	d.set(field, string(d.unquote(raw)) != unwanted)
	return nil
}

// integer reads an integer within bounds; null gives 0.
func (d *decoder) integer(field fields, lowest, highest int64) (int64, error) {
	if d.json.PeekKind() != '0' {
		return 0, d.skip(field)
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	d.set(field, err == nil && n >= lowest && n <= highest)
	return n, nil
}

// textOrInteger reads a string, or an integer as its digits, into dst[:0].
func (d *decoder) textOrInteger(field fields, dst []byte) ([]byte, error) {
	if d.json.PeekKind() != '0' {
		return d.text(field, dst)
	}
	n, err := d.integer(field, math.MinInt64, math.MaxInt64)
	if err != nil {
		return dst[:0], err
	}
	return strconv.AppendInt(dst[:0], n, 10), nil
}

// boolean reads true or false; null gives neither.
func (d *decoder) boolean(field fields) (value, present bool, err error) {
	kind := d.json.PeekKind()
	if kind != 't' && kind != 'f' {
		return false, false, d.skip(field)
	}
	_, err = d.json.ReadToken()
	d.set(field, true)
	return kind == 't', true, err
}
