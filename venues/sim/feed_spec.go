package sim

import (
	"context"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/supervision"
)

// Spec returns the supervisor of the feed, one_for_one: the sender, and the re-request server where there is one. It belongs
// ahead of the exchange, so that what the exchange says last is still sent.
func (f *Feed) Spec() supervision.Spec {
	spec := supervision.Spec{Strategy: supervision.OneForOne, Intensity: 5, Period: time.Minute}
	backoff := supervision.Backoff{Base: 100 * time.Millisecond, Cap: 10 * time.Second, Reset: time.Minute}
	sender := supervision.DefaultChild("sender", f.startSender)
	sender.Manual, sender.Backoff = true, backoff
	spec.Children = append(spec.Children, sender)
	if f.cfg.Request.IsValid() {
		server := supervision.DefaultChild("requests", f.startServer)
		server.Manual, server.Backoff = true, backoff
		spec.Children = append(spec.Children, server)
	}
	return spec
}

func (f *Feed) startSender(_ context.Context, b *supervision.Birth) error {
	packets, err := actors.NewPipe[[]byte](b.System(), feedPackets)
	if err != nil {
		return err
	}
	if _, err := supervision.Spawn[feedTurn](b, &feedSender{feed: f, packets: packets}, actors.WithBox(feedBox)); err != nil {
		return err
	}
	b.Run(func(ctx context.Context, out actors.Outside) error {
		return f.carry(ctx, out, packets, func() { _ = b.Ready("") })
	})
	return nil
}

// startServer starts the re-request server. It is ready when its socket is open.
func (f *Feed) startServer(_ context.Context, b *supervision.Birth) error {
	b.Run(func(ctx context.Context, out actors.Outside) error {
		conn, err := f.openServer()
		if err != nil {
			return err
		}
		_ = b.Ready("")
		return f.serve(ctx, out, conn)
	})
	return nil
}
