package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/failshut/failshut/actors"
	"github.com/failshut/failshut/internal/config"
	"github.com/failshut/failshut/internal/control"
	"github.com/failshut/failshut/supervision"
)

// Door is where a node listens for those who operate it.
type Door struct {
	Socket string // path of the unix socket
	Mode   os.FileMode
	Listen string // of the admin listener
	Access control.Config
	Bound  func(name, addr string) // told where each listener listens, when it does; may be nil
}

// answerGrace is how long a request under way may go on when the door closes.
const answerGrace = time.Second

// ControlChild is the child that serves the door: first up, last down. It is ready when both listeners are bound. A port that
// was free to choose is kept over restarts, for whoever was told it.
func ControlChild(d Door, node control.Node) supervision.Child {
	server := control.New(d.Access, node)
	return supervision.DefaultChild("api", func(_ context.Context, b *supervision.Birth) error {
		socket, err := control.ListenUnix(d.Socket, d.Mode)
		if err != nil {
			return err
		}
		tcp, err := control.ListenTCP(d.Listen)
		if err != nil {
			_ = socket.Close() // nothing was served on it
			return err
		}
		d.Listen = tcp.Addr().String()
		for name, l := range map[string]net.Listener{"socket": socket, "admin": tcp} {
			b.Run(func(ctx context.Context, _ actors.Outside) error { return server.Serve(ctx, l, answerGrace) })
			b.Log().Info("listening", "event", "listening", "name", name, "addr", l.Addr().String())
			if d.Bound != nil {
				d.Bound(name, l.Addr().String())
			}
		}
		return nil
	})
}

// accessOf is who may ask, by the configuration.
func accessOf(a config.Admin, now func() time.Time) (control.Config, error) {
	c := control.Config{Anonymous: a.Anonymous == "viewer", Now: now}
	for _, u := range a.UIDs {
		uid := uint32(os.Getuid())
		if u.UID != "self" {
			if _, err := fmt.Sscanf(u.UID, "%d", &uid); err != nil {
				return c, fmt.Errorf("admin.uids: uid %q: %w", u.UID, err)
			}
		}
		c.UIDs = append(c.UIDs, control.UID{UID: uid, Roles: rolesOf(u.Roles)})
	}
	for _, t := range a.Tokens {
		digest, err := control.ParseDigest(t.SHA256)
		if err != nil {
			return c, fmt.Errorf("admin.tokens: %s: %w", t.Name, err)
		}
		c.Tokens = append(c.Tokens, control.Token{Name: t.Name, SHA256: digest, Roles: rolesOf(t.Roles)})
	}
	return c, nil
}

func rolesOf(words []string) []control.Role {
	out := make([]control.Role, len(words))
	for i, w := range words {
		out[i] = control.Role(w)
	}
	return out
}
