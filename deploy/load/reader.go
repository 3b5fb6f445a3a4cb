package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// serveReader is what everything is compared with: a server that, asked for
// /?url=A&url=B, reads A and B, throws them away, and says how many bytes these
// were.
func serveReader(ctx context.Context, stderr io.Writer) error {
	return serve(ctx, http.HandlerFunc(discard), stderr)
}

// serve serves on loopback until the context ends.
func serve(ctx context.Context, handler http.Handler, stderr io.Writer) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	err = sayListening(stderr, listener.Addr().String())
	if err == nil {
		<-ctx.Done()
	}
	if closed := server.Close(); err == nil {
		err = closed
	}
	if served := <-ended; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = served
	}
	return err
}

func discard(w http.ResponseWriter, r *http.Request) {
	var total int64
	for _, u := range r.URL.Query()["url"] {
		n, err := discardOne(r.Context(), u)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		total += n
	}
	fmt.Fprintln(w, total)
}

func discardOne(ctx context.Context, u string) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, fmt.Errorf("ask: %w", err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask: %w", err)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read: status %d", response.StatusCode)
	}
	return n, nil
}

// readerURL is the address at which a reader reads all of these.
func readerURL(reader string, urls []string) string {
	return reader + "/?" + url.Values{"url": urls}.Encode()
}
