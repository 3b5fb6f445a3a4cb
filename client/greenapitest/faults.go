package greenapitest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// A NamedFault is a fault of the list that chaos tests go through.
type NamedFault struct {
	Name  string
	Fault Fault
	// Reasons are those that a client may rightly report, of the closed set
	// that the exporter documents. The empty string stands for success: the
	// fault is no more than a nuisance. Where there are several, it depends on
	// which of the client's bounds comes first, or the documentation is silent.
	Reasons []string
	// JournalOnly marks what is a fault in a journal, yet a proper answer of
	// some other method.
	JournalOnly bool
}

// Faults returns every kind of fault, always in the same order. Those that
// last (hang, stall, slow, endless) last until the client leaves.
func Faults() []NamedFault {
	return slices.Concat(statusFaults(), bodyFaults(), streamFaults(), connectionFaults(), encodingFaults())
}

// FaultStatus answers a status with this body; an empty one for none.
func FaultStatus(status int, body string) Fault {
	return Fault{Status: status, Body: []byte(body)}
}

// FaultHang never answers.
func FaultHang() Fault { return Fault{Break: BreakStall, BeforeHeader: true} }

// FaultRedirect sends the client elsewhere. One that follows tells the other
// place, in Referer, the path it came from, and so the token.
func FaultRedirect(status int, location string) Fault {
	return Fault{Status: status, Header: http.Header{"Location": {location}}}
}

// FaultSwitch answers 101 and keeps the connection, as if it spoke another
// protocol from then on.
func FaultSwitch() Fault {
	return Fault{
		Raw: true, Break: BreakStall,
		Body: []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	}
}

// FaultDrip answers with a header at once, and with hardly any body: a byte a
// minute, without end.
func FaultDrip() Fault {
	return Fault{ChunkBytes: 1, Pause: time.Minute, BodyFunc: endlessly("[", " ")}
}

// FaultHugeHeader answers with so many bytes of headers.
func FaultHugeHeader(bytes int) Fault {
	return Fault{Header: http.Header{"X-Padding": {strings.Repeat("x", bytes)}}}
}

// FaultEcho answers a status and, in the body, the request's path with the
// token in it.
func FaultEcho(status int) Fault {
	return Fault{
		Status:   status,
		Body:     fmt.Appendf(nil, `{"statusCode":%d,"path":"{path}","message":"Cannot GET {path}","error":"{path}"}`, status),
		EchoPath: true,
	}
}

// Bodies as they were seen from GREEN-API, or reported by its users.
const (
	bodyHTML = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><center><h1>Bad Gateway</h1></center><hr><center>nginx</center></body></html>\n"
)

func statusFaults() []NamedFault {
	retryAfter := FaultStatus(http.StatusTooManyRequests, "")
	retryAfter.Header = http.Header{"Retry-After": {"2"}}
	return []NamedFault{
		{Name: "401", Fault: FaultStatus(401, ""), Reasons: []string{"unauthorized"}},
		{Name: "403", Fault: FaultStatus(403, ""), Reasons: []string{"forbidden"}},
		{Name: "404", Fault: FaultStatus(404, ""), Reasons: []string{"not_found"}},
		{Name: "404 echo", Fault: FaultEcho(404), Reasons: []string{"not_found"}},
		{Name: "429", Fault: FaultStatus(429, ""), Reasons: []string{"rate_limited"}},
		{Name: "429 retry after", Fault: retryAfter, Reasons: []string{"rate_limited"}},
		{Name: "466", Fault: FaultStatus(466, simulation.BodyQuota), Reasons: []string{"quota_exceeded"}},
		{Name: "400 starting", Fault: FaultStatus(400, "instance in starting process"), Reasons: []string{"starting"}},
		{
			Name:    "400 starting or not authorized",
			Fault:   FaultStatus(400, `{"statusCode":400,"message":"instance is starting or not authorized"}`),
			Reasons: []string{"not_authorized", "starting"},
		},
		{Name: "400 expired", Fault: FaultStatus(400, `{"message":"Instance account is expired"}`), Reasons: []string{"expired"}},
		{Name: "400 deleted", Fault: FaultStatus(400, `{"invokeStatus":{"description":"Instance is deleted"}}`), Reasons: []string{"deleted"}},
		{Name: "400 internal", Fault: FaultStatus(400, "Internal Server Error"), Reasons: []string{"server_error", "client_error"}},
		{Name: "400 other", Fault: FaultStatus(400, `{"error":"something else"}`), Reasons: []string{"client_error"}},
		{Name: "400 echo", Fault: FaultEcho(400), Reasons: []string{"client_error"}},
		{Name: "418", Fault: FaultStatus(418, ""), Reasons: []string{"client_error"}},
		{Name: "499", Fault: FaultStatus(499, ""), Reasons: []string{"server_error", "client_error"}},
		{Name: "500", Fault: FaultStatus(500, `{"statusCode":500,"message":"Internal server error"}`), Reasons: []string{"server_error"}},
		{Name: "500 echo", Fault: FaultEcho(500), Reasons: []string{"server_error"}},
		{Name: "502 html", Fault: FaultStatus(502, bodyHTML), Reasons: []string{"server_error"}},
		{Name: "504 empty", Fault: FaultStatus(504, ""), Reasons: []string{"server_error"}},
		{Name: "401 deleted", Fault: FaultStatus(401, `{"message":"Instance 1101000001 is deleted"}`), Reasons: []string{"deleted"}},
		{Name: "400 instance not found", Fault: FaultStatus(400, "Instance is not found"), Reasons: []string{"deleted"}},
		{Name: "404 instance not found", Fault: FaultStatus(404, `{"code":404,"description":"instance not found"}`), Reasons: []string{"deleted"}},
		{Name: "101", Fault: FaultSwitch(), Reasons: []string{"malformed"}},
		{Name: "204", Fault: Fault{Status: 204}, Reasons: []string{"malformed", "client_error", "server_error"}},
		{Name: "301", Fault: FaultRedirect(301, "http://greenapi.invalid/elsewhere/"), Reasons: []string{"client_error"}},
		{Name: "302", Fault: FaultRedirect(302, "/elsewhere"), Reasons: []string{"client_error"}},
		{Name: "307 without location", Fault: Fault{Status: 307}, Reasons: []string{"client_error"}},
		{Name: "303 to no URL", Fault: FaultRedirect(303, "http://greenapi.invalid/%zz"), Reasons: []string{"client_error"}},
		{Name: "308", Fault: FaultRedirect(308, "https://127.0.0.1:1/elsewhere"), Reasons: []string{"client_error"}},
	}
}

func bodyFaults() []NamedFault {
	const row = `{"type":"outgoing","idMessage":"3EB0000000000001","timestamp":1754455789,"typeMessage":"textMessage","chatId":"999000000001@c.us","statusMessage":"sent","status":"hungUp"}`
	malformed := func(name, body string) NamedFault {
		return NamedFault{Name: name, Fault: Fault{Body: []byte(body)}, Reasons: []string{"malformed"}}
	}
	faults := []NamedFault{
		{Name: "code 401 under 200", Fault: Fault{Body: []byte(`{"code":401,"description":"Unauthorized"}`)}, Reasons: []string{"unauthorized", "malformed"}},
		{Name: "null", Fault: Fault{Body: []byte("null")}, Reasons: []string{"malformed"}, JournalOnly: true},
		{Name: "object", Fault: Fault{Body: []byte("{}")}, Reasons: []string{"malformed"}, JournalOnly: true},
		malformed("empty", ""),
		malformed("html", bodyHTML),
		malformed("text", "OK"),
		malformed("a string", `"[]"`),
		malformed("stray comma", "["+row+",,"+row+"]"),
		malformed("trailing comma", "["+row+",]"),
		malformed("no comma", "["+row+row+"]"),
		malformed("array not closed", "["+row),
		malformed("row not closed", "["+row[:len(row)-1]+"]"),
		malformed("string not closed", "["+row[:len(row)-2]+"]"),
		malformed("trailing bytes", "["+row+"]]"),
		malformed("two arrays", "["+row+"]["+row+"]"),
		malformed("html after the array", "["+row+"]"+bodyHTML),
		malformed("single quotes", strings.ReplaceAll("["+row+"]", `"`, `'`)),
		malformed("nan", `[{"timestamp":NaN}]`),
		malformed("nul bytes", "[\x00\x00\x00]"),
		{Name: "invalid utf-8", Fault: Fault{Body: []byte("[{\"idMessage\":\"\xff\xfe\"}]")}, Reasons: []string{"malformed", ""}},
	}
	html := faults[4].Fault
	html.Header = http.Header{"Content-Type": {"text/html"}}
	faults[4].Fault = html
	return faults
}

func streamFaults() []NamedFault {
	row := `{"type":"outgoing","idMessage":"3EB0000000000002","timestamp":1754455789,"typeMessage":"textMessage","chatId":"999000000002@c.us","statusMessage":"sent","status":"hungUp"},`
	endless := []string{"too_large", "timeout"}
	return []NamedFault{
		{Name: "hang", Fault: FaultHang(), Reasons: []string{"timeout"}},
		{Name: "delay", Fault: Fault{Delay: time.Hour}, Reasons: []string{"timeout"}},
		{Name: "stall after the header", Fault: Fault{Break: BreakStall, Chunked: true}, Reasons: []string{"timeout"}},
		{Name: "stall in the body", Fault: Fault{Break: BreakStall, BreakAfter: 20}, Reasons: []string{"timeout"}},
		{Name: "stall at the end", Fault: Fault{Break: BreakStall, BreakAfter: 1 << 30, Chunked: true}, Reasons: []string{"timeout"}},
		{Name: "slow body", Fault: Fault{ChunkBytes: 1, Pause: time.Millisecond}, Reasons: []string{"", "timeout"}},
		{Name: "header and drip", Fault: FaultDrip(), Reasons: []string{"timeout"}},
		{Name: "byte a minute", Fault: Fault{ChunkBytes: 1, Pause: time.Minute}, Reasons: []string{"timeout"}},
		{Name: "endless array", Fault: Fault{BodyFunc: endlessly("[", row)}, Reasons: endless},
		{Name: "endless spaces", Fault: Fault{BodyFunc: endlessly("[", strings.Repeat(" ", 1024))}, Reasons: endless},
		{Name: "endless string", Fault: Fault{BodyFunc: endlessly(`[{"textMessage":"`, strings.Repeat("lorem ipsum ", 100))}, Reasons: append(endless, "malformed")},
		{Name: "endless key", Fault: Fault{BodyFunc: endlessly(`[{"`, strings.Repeat("k", 1024))}, Reasons: append(endless, "malformed")},
		{Name: "endless number", Fault: Fault{BodyFunc: endlessly(`[{"timestamp":1`, strings.Repeat("7", 1024))}, Reasons: append(endless, "malformed")},
		{Name: "endless nesting", Fault: Fault{BodyFunc: endlessly("[", strings.Repeat("[", 1024))}, Reasons: append(endless, "malformed")},
		{Name: "endless error text", Fault: Fault{Status: 400, BodyFunc: endlessly("", "instance ")}, Reasons: []string{"client_error", "too_large", "timeout"}},
	}
}

func connectionFaults() []NamedFault {
	broken := []string{"network", "malformed"}
	raw := func(name, text string, reasons ...string) NamedFault {
		return NamedFault{Name: name, Fault: Fault{Raw: true, Body: []byte(text)}, Reasons: append(reasons, "network")}
	}
	const begin = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	// Go's HTTP client prints what follows an answer.
	outOfTurn := raw("answer nobody asked for", begin+"Content-Length: 2\r\n\r\n[]HTTP/1.1 400 Bad {path}\r\n\r\n", "", "malformed")
	outOfTurn.Fault.EchoPath = true
	return []NamedFault{
		{Name: "huge header", Fault: FaultHugeHeader(80 << 10), Reasons: []string{"network"}},
		{Name: "close without an answer", Fault: Fault{Break: BreakClose, BeforeHeader: true}, Reasons: []string{"network"}},
		{Name: "reset without an answer", Fault: Fault{Break: BreakReset, BeforeHeader: true}, Reasons: []string{"network"}},
		{Name: "cut body", Fault: Fault{Break: BreakClose, BreakAfter: 20}, Reasons: broken},
		{Name: "cut body, chunked", Fault: Fault{Break: BreakClose, BreakAfter: 20, Chunked: true}, Reasons: broken},
		{Name: "cut after the array", Fault: Fault{Break: BreakClose, BreakAfter: 1 << 30}, Reasons: broken},
		{Name: "cut after the array, chunked", Fault: Fault{Break: BreakClose, BreakAfter: 1 << 30, Chunked: true}, Reasons: broken},
		{Name: "reset in the body", Fault: Fault{Break: BreakReset, BreakAfter: 20}, Reasons: broken},
		{Name: "reset in the body, chunked", Fault: Fault{Break: BreakReset, BreakAfter: 20, Chunked: true}, Reasons: broken},
		raw("garbage", "\x00\x01\x02\x03SSH-2.0-OpenSSH_9.9\r\n\r\n", "malformed"),
		raw("header not finished", begin+"X-Half"),
		raw("status line broken", "HTTP/1.1 OK\r\n\r\n[]", "malformed"),
		raw("two lengths", begin+"Content-Length: 2\r\nContent-Length: 5\r\n\r\n[]", "malformed"),
		raw("negative length", begin+"Content-Length: -2\r\n\r\n[]", "malformed"),
		raw("length too small", begin+"Content-Length: 1\r\nConnection: close\r\n\r\n[]", "malformed"),
		raw("bad chunk", begin+"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n", "malformed"),
		raw("huge chunk", begin+"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[]", "malformed"),
		outOfTurn,
		raw("many informational answers", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n", 1000)),
		{
			Name:    "endless header",
			Fault:   Fault{Raw: true, BodyFunc: endlessly(begin, "X-Padding: "+strings.Repeat("p", 4000)+"\r\n")},
			Reasons: []string{"network", "too_large", "malformed", "timeout"},
		},
		{
			Name:    "header a byte a minute",
			Fault:   Fault{Raw: true, Body: []byte(begin), ChunkBytes: 1, Pause: time.Minute},
			Reasons: []string{"timeout"},
		},
	}
}

func encodingFaults() []NamedFault {
	gzipped := func(name string, body []byte, reasons ...string) NamedFault {
		return NamedFault{Name: name, Fault: Fault{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: body}, Reasons: reasons}
	}
	whole := member([]byte(`[{"idMessage":"3EB0000000000003","chatId":"999000000003@c.us"}]`))
	corrupt := bytes.Clone(whole)
	corrupt[len(corrupt)-5] ^= 0xff // in the checksum
	return []NamedFault{
		{Name: "gzip unasked", Fault: Fault{Encoding: EncodingGzip}, Reasons: []string{"", "malformed"}},
		{Name: "gzip claimed", Fault: Fault{Encoding: EncodingClaimed}, Reasons: []string{"malformed", "network"}},
		gzipped("gzip corrupt", corrupt, "malformed", "network"),
		gzipped("gzip cut", whole[:len(whole)-9], "malformed", "network"),
		gzipped("gzip with trailing bytes", append(bytes.Clone(whole), "]}"...), "malformed", "network"),
		gzipped("gzip empty", nil, "malformed"),
		{
			Name:    "unknown encoding",
			Fault:   Fault{Header: http.Header{"Content-Encoding": {"br"}}, Body: []byte("\x0b\x01\x80[]\x03")},
			Reasons: []string{"malformed"},
		},
		{Name: "gzip bomb", Fault: FaultGzipBomb(1 << 30), Reasons: []string{"too_large", "timeout"}},
	}
}

// FaultGzipBomb answers an empty array with so many spaces in it, zipped: a
// thousandth of that goes over the wire. A client without a bound would take
// it for an empty journal.
func FaultGzipBomb(inflated int64) Fault {
	const piece = 1 << 20
	return Fault{
		Header: http.Header{"Content-Encoding": {"gzip"}},
		BodyFunc: func(ctx context.Context, w io.Writer) error {
			spaces := member(bytes.Repeat([]byte{' '}, piece))
			if _, err := w.Write(member([]byte{'['})); err != nil {
				return fmt.Errorf("write a bomb: %w", err)
			}
			for n := int64(0); n < inflated && ctx.Err() == nil; n += piece {
				if _, err := w.Write(spaces); err != nil {
					return fmt.Errorf("write a bomb: %w", err)
				}
			}
			if _, err := w.Write(member([]byte{']'})); err != nil {
				return fmt.Errorf("write a bomb: %w", err)
			}
			return nil
		},
	}
}

// member zips text. Members of the format may follow one another in a body.
func member(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// A bytes.Buffer takes whatever comes.
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

// endlessly writes begin, then again and again until the client leaves.
func endlessly(begin, again string) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, begin); err != nil {
			return fmt.Errorf("write without end: %w", err)
		}
		piece := []byte(strings.Repeat(again, 1+16384/len(again)))
		for ctx.Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return fmt.Errorf("write without end: %w", err)
			}
		}
		return context.Cause(ctx)
	}
}
