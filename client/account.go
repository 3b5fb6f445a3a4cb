package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// maxObject bounds the answers that are single objects, in bytes.
const maxObject = 1 << 20

// StateInstance asks for the state of the instance. While the instance is being created
// the API answers null, which is a word for starting. A failed request gives an
// [*Error].
func (c *Client) StateInstance(ctx context.Context) (vocabulary.InstanceState, error) {
	state, _ := vocabulary.FindInstanceState(nil)
	err := c.object(ctx, MethodStateInstance, true, "stateInstance", func(d *decoder) (err error) {
		state, err = word(d, 1, vocabulary.FindInstanceState)
		return err
	})
	return state, err
}

// Settings are the settings that decide what the journals hold. What the answer
// lacks is missing in the map. Other settings are never read: one is a secret.
type Settings map[string]bool

// settingNames are the settings that journals depend on.
var settingNames = words(vocabulary.Labels(vocabulary.Settings())...)

// Settings asks for the settings of the instance. A failed request gives an
// [*Error].
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	settings := make(Settings)
	err := c.members(ctx, MethodSettings, false, func(d *decoder, name string) error {
		setting := settingNames.find([]byte(name))
		if setting == "" {
			return d.json.SkipValue()
		}
		enabled, err := d.shortText(1)
		if enabled == "yes" || enabled == "no" {
			settings[setting] = enabled == "yes"
		}
		return err
	}, func() error {
		if len(settings) == 0 {
			return malformed("none of the expected settings")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return settings, nil
}

// MessagesCount asks how many messages wait to be sent. A failed request gives an
// [*Error].
func (c *Client) MessagesCount(ctx context.Context) (int64, error) {
	var count int64
	err := c.object(ctx, MethodMessagesCount, false, "count", func(d *decoder) (err error) {
		count, err = d.integer(1, 0, 1<<53)
		return err
	})
	return count, err
}

// SuspendedUntil asks until when the messenger has suspended the account; the zero
// time when it has not, or the API does not say. A failed request gives an
// [*Error].
func (c *Client) SuspendedUntil(ctx context.Context) (time.Time, error) {
	until, err := c.suspendedUntil(ctx, MethodWaSettings)
	var failure *Error
	if errors.As(err, &failure) && failure.Reason == ReasonNotFound {
		until, err = c.suspendedUntil(ctx, MethodAccountSettings)
	}
	return until, err
}

func (c *Client) suspendedUntil(ctx context.Context, method string) (time.Time, error) {
	var unix int64
	err := c.members(ctx, method, false, func(d *decoder, name string) (err error) {
		if name != "suspendedUntil" {
			return d.json.SkipValue()
		}
		if unix, err = d.integer(1, 1, maxTime); d.bad != 0 {
			unix = 0
		}
		return err
	}, func() error { return nil })
	if err != nil || unix == 0 {
		return time.Time{}, err
	}
	return time.Unix(unix, 0), nil
}

// object reads one member of an answer, which must be there and good.
func (c *Client) object(ctx context.Context, method string, nullable bool, member string, read func(*decoder) error) error {
	good := false
	return c.members(ctx, method, nullable, func(d *decoder, name string) error {
		if name != member {
			return d.json.SkipValue()
		}
		missing := d.json.PeekKind() == 'n' && !nullable
		err := read(d)
		good = d.bad == 0 && !missing
		return err
	}, func() error {
		if !good {
			return malformed("the expected field is missing or wrong")
		}
		return nil
	})
}

// members asks a method whose answer is an object, and reads its members, but
// those of an error object, once the whole of it was read; end then says what is
// wrong with them. Where it is nullable, it may also be null.
func (c *Client) members(ctx context.Context, method string, nullable bool, member func(*decoder, string) error, end func() error) error {
	x, err := c.send(ctx, method, nil)
	if err != nil {
		return err
	}
	null, err := x.object(nullable, member)
	if err == nil && !null {
		err = end()
	}
	return x.finish(err)
}

func (x *exchange) object(nullable bool, member func(*decoder, string) error) (null bool, err error) {
	text, err := io.ReadAll(io.LimitReader(x.body, maxObject+1))
	switch {
	case err != nil:
		return false, err //nolint:wrapcheck // finish does
	case len(text) > maxObject:
		return false, tooLarge("an object of more than 1 MiB")
	}
	if reason := statusReason(errorCode(text), text); reason != "" {
		return false, answered{reason}
	}
	d := newDecoder(bytes.NewReader(text))
	defer d.free()
	kind := d.json.PeekKind()
	if null = kind == 'n' && nullable; kind != '{' && !null {
		return false, malformed("no object")
	}
	if _, err := d.object(member); err != nil {
		return false, d.failure(err)
	}
	return null, d.end()
}
