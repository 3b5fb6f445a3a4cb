package client

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Journal is the answer to a journal's request, read record by record from the
// socket.
//
//	for record := range journal.Records() {
//		… provisional until Err is nil …
//	}
//	if err := journal.Err(); err != nil {
//		…
//	}
type Journal[R any] struct {
	// Date is the server's clock when it answered; zero when it did not say, or said what
	// Options.MaxClockSkew rules out.
	Date time.Time

	x       *exchange
	window  time.Duration // how far back was asked for
	read    func(*decoder, *R) (valid bool, err error)
	err     error
	total   int
	invalid int
}

// Records reads the records. One that cannot be read as a record is counted as
// invalid and left out. A record, and what it points to, holds until the next one.
// The records can be ranged over once.
func (j *Journal[R]) Records() iter.Seq[*R] {
	return func(yield func(*R) bool) {
		j.err = j.x.finish(j.each(yield))
	}
}

// Err says why the journal did not end well: nil after Records ended by itself
// means that the array closed and the body ended. Otherwise it is an [*Error].
func (j *Journal[R]) Err() error { return j.err }

// Total returns how many elements the array held so far, invalid ones included.
func (j *Journal[R]) Total() int { return j.total }

// Invalid returns how many elements were no records so far: not an object, a used
// field of the wrong JSON type, a number that is no integer or does not fit, or a
// duration outside 0 to a week.
func (j *Journal[R]) Invalid() int { return j.invalid }

// Bytes returns the size of what was read so far, inflated.
func (j *Journal[R]) Bytes() int64 { return j.x.body.n }

// Close gives back what the journal holds, read or not.
func (j *Journal[R]) Close() { _ = j.x.finish(errAbandoned) }

// errAbandoned is a journal that nobody read to its end.
var errAbandoned = errors.New("journal not read to its end")

func (j *Journal[R]) each(yield func(*R) bool) error {
	if err := j.beginArray(); err != nil {
		return err
	}
	d := newDecoder(j.x.body)
	defer d.free()
	if _, err := d.json.ReadToken(); err != nil { // the '[' that is known to be there
		return d.failure(err)
	}
	var record R
	row, _ := any(&record).(observable)
	rows := j.beginRows(row)
	for {
		if d.json.PeekKind() == ']' {
			break
		}
		begin := d.json.InputOffset()
		valid, err := j.read(d, &record)
		if err != nil {
			return d.failure(err)
		}
		j.total++
		if !valid {
			j.invalid++
			continue
		}
		if rows != nil {
			rows.row(row, d.json.InputOffset()-begin)
		}
		if !yield(&record) {
			return errAbandoned
		}
	}
	if _, err := d.json.ReadToken(); err != nil {
		return d.failure(err)
	}
	if err := d.end(); err != nil {
		return err
	}
	if rows != nil {
		j.x.rows = rows.end(cmp.Or(j.Date, j.x.sent), j.window)
	}
	return nil
}

// beginRows begins to observe the rows of a journal; nil where they are not observed.
func (j *Journal[R]) beginRows(row observable) *rowRead {
	watch := j.x.client.watches[j.x.method]
	if row == nil || watch == nil {
		return nil
	}
	return watch.begin()
}

// beginArray looks at how the body begins. GREEN-API also answers with an error
// object under HTTP 200; that one is read up to a bound.
func (j *Journal[R]) beginArray() error {
	first, err := j.x.body.firstByte()
	switch {
	case errors.Is(err, io.EOF):
		return malformed("empty body")
	case err != nil:
		return err
	case first == '[':
		return nil
	case first == '{':
		text, _ := io.ReadAll(io.LimitReader(j.x.body, maxFailureText)) // what breaks off is malformed below
		if reason := statusReason(errorCode(text), text); reason != "" {
			return answered{reason}
		}
		return malformed("an object instead of an array")
	case first == 'n':
		return malformed("null or text instead of an array")
	case first == '<':
		return malformed("a page instead of an array")
	default:
		return malformed("no array")
	}
}

// errorCode reads the code of an error object such as
// {"code":401,"description":"Unauthorized"}; 200 when it is none.
func errorCode(text []byte) int {
	const none = 200
	d := jsontext.NewDecoder(bytes.NewReader(text), lenient...)
	if _, err := d.ReadToken(); err != nil {
		return none
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return none
		}
		isCode := name.String() == "code" || name.String() == "statusCode"
		if !isCode || d.PeekKind() != '0' {
			if err := d.SkipValue(); err != nil {
				return none
			}
			continue
		}
		value, err := d.ReadValue()
		if err != nil {
			return none
		}
		code, err := strconv.Atoi(string(value))
		if err != nil || code < 300 || code > 599 {
			return none
		}
		return code
	}
	return none
}
