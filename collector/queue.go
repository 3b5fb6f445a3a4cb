package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

var (
	queueMessages = newFamily(Gauge, "instance_queue_messages",
		"Number of messages that wait in the API's queue to be sent. The API updates it every 10 s.")

	queueFamilies = []*Family{queueMessages}
)

// queueSource asks for the depth of the queue.
type queueSource struct {
	client *client.Client
}

func (queueSource) name() string          { return queue }
func (queueSource) optional() bool        { return true }
func (queueSource) shared() time.Duration { return 0 }

func (s queueSource) fetch(ctx context.Context, _ *slog.Logger) (finding, error) {
	count, err := s.client.MessagesCount(ctx)
	if err != nil {
		return nil, err
	}
	return queueDepth(count), nil
}

// queueDepth is how many messages wait.
type queueDepth int64

func (q queueDepth) collect(e *emitter) { e.gauge(queueMessages, float64(q)) }
