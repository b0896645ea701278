package fix

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/failshut/failshut/internal/fix44"
)

// The engine dials by itself and as it pleases, holds on to a connection that nobody reads, and offers no hand to any of that. But it can go
// by way of a SOCKS proxy. So the proxy is ours, on loopback and with a password that this process alone knows: the engine waits
// at it until a logon is wanted, what it writes is written to the venue within a time, and the link can be cut at any moment.

// bridge carries the bytes of one session between the engine and the venue.
type bridge struct {
	venue      string // HOST:PORT
	writeStuck time.Duration
	now        func() time.Time // the wall clock, for the time that a write may take
	dial       func(ctx context.Context, network, addr string) (net.Conn, error)
	before     func()      // called in front of each dial, while the engine has no session
	failed     func(error) // told that the venue could not be reached

	listener net.Listener
	user     string
	password string

	want   chan struct{}  // a logon is wanted
	toNode chan *crossing // for the other direction's turn
	mu     sync.Mutex     // guards open
	open   *crossing      // nil: none
}

// crossing is one connection of each side.
type crossing struct {
	engine, venue net.Conn
	over          chan struct{} // closed when both directions have ended
}

func (c *crossing) close() {
	_ = c.engine.Close() // both ends hear of it, whatever closing them says
	_ = c.venue.Close()
}

func newBridge(venue string, writeStuck time.Duration, now func() time.Time) (*bridge, error) {
	listener, err := net.Listen("tcp", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0).String())
	if err != nil {
		return nil, fmt.Errorf("fix: %w", err)
	}
	var secret [16]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("fix: %w", err), listener.Close())
	}
	d := net.Dialer{Timeout: dialWithin}
	return &bridge{
		venue: venue, writeStuck: writeStuck, now: now, dial: d.DialContext, listener: listener, user: "engine", password: hex.EncodeToString(secret[:]),
		want: make(chan struct{}, 1), toNode: make(chan *crossing),
	}, nil
}

// dialWithin bounds how long the venue may take to answer a dial.
const dialWithin = 5 * time.Second

func (b *bridge) port() int { return b.listener.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // a TCP listener

// connect has the next logon go out. One that is wanted already is the same.
func (b *bridge) connect() {
	select {
	case b.want <- struct{}{}:
	default:
	}
}

// cut closes the link, if there is one, without a word to the venue, and takes back a logon that is wanted.
func (b *bridge) cut() {
	select {
	case <-b.want:
	default:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil {
		reset(b.open.venue)
		b.open.close()
	}
}

// reset has the close of a connection throw away what is not sent, so that the venue knows at once.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // of a connection that is gone there is nothing to reset
	}
}

// outward is the turn that waits for the engine, reaches the venue, and carries what the engine writes. It ends with ctx.
func (b *bridge) outward(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = b.listener.Close() })
	defer stop()
	for {
		engine, err := b.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("fix: accepting the engine: %w", err)
		}
		if err := b.cross(ctx, engine); err != nil && ctx.Err() == nil {
			b.failed(err)
		}
		_ = engine.Close()
	}
}

// cross serves one connection of the engine. An error says that the venue was not reached.
func (b *bridge) cross(ctx context.Context, engine net.Conn) error {
	if err := b.greet(engine); err != nil {
		return nil //nolint:nilerr // a stranger at our door, or an engine that has given up: the venue is not concerned
	}
	gone := context.AfterFunc(ctx, func() { _ = engine.Close() })
	defer gone()
	select {
	case <-b.want:
	case <-ctx.Done():
		return nil
	}
	b.before()
	venue, err := b.dial(ctx, "tcp", b.venue)
	if err != nil {
		return fmt.Errorf("fix: reaching %s: %w", b.venue, err)
	}
	c := &crossing{engine: engine, venue: venue, over: make(chan struct{})}
	b.set(c)
	defer b.set(nil)
	end := context.AfterFunc(ctx, c.close)
	defer end()
	if _, err := engine.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		c.close()
		return fmt.Errorf("fix: the engine left: %w", err)
	}
	select {
	case b.toNode <- c:
	case <-ctx.Done():
		c.close()
		return nil
	}
	b.carry(c)
	c.close()
	<-c.over
	return nil
}

func (b *bridge) set(c *crossing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = c
}

// carry writes to the venue what the engine writes. A venue that does not read for too long is cut off, so that what it agreed to
// do with the orders of a lost link is done.
func (b *bridge) carry(c *crossing) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.engine.Read(buf)
		if n > 0 {
			_ = c.venue.SetWriteDeadline(b.now().Add(b.writeStuck)) // of a connection that is gone the write says so
			if _, err := c.venue.Write(buf[:n]); err != nil {
				reset(c.venue)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// inward is the turn that carries what the venue writes, as far as it is sound: the engine's parser panics at some of what is not, on a goroutine of its own. It
// ends with ctx.
func (b *bridge) inward(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-b.toNode:
			_, _ = io.Copy(c.engine, fix44.NewSift(c.venue)) // how the link ended is the engine's to see
			c.close()
			close(c.over)
		}
	}
}

// greet is the SOCKS5 side of the door: user and password (RFC 1929), then a request whose address does not matter.
func (b *bridge) greet(c net.Conn) error {
	r := bufio.NewReader(c)
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	if _, err := r.Discard(int(head[1])); err != nil {
		return err
	}
	if _, err := c.Write([]byte{5, 2}); err != nil {
		return err
	}
	user, password, err := credentials(r)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(user+password), []byte(b.user+b.password)) != 1 {
		_, err := c.Write([]byte{1, 1})
		return errors.Join(errStranger, err)
	}
	if _, err := c.Write([]byte{1, 0}); err != nil {
		return err
	}
	return request(r)
}

var errStranger = errors.New("fix: somebody else is at the engine's door")

func credentials(r *bufio.Reader) (user, password string, err error) {
	if _, err := r.Discard(1); err != nil {
		return "", "", err
	}
	if user, err = counted(r); err != nil {
		return "", "", err
	}
	password, err = counted(r)
	return user, password, err
}

func counted(r *bufio.Reader) (string, error) {
	n, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return string(b), err
}

// request reads the address that the engine asks for, which is always the venue's.
func request(r *bufio.Reader) error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	size := map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]]
	if head[3] == 3 {
		n, err := r.ReadByte()
		if err != nil {
			return err
		}
		size = int(n)
	}
	_, err := r.Discard(size + 2)
	return err
}
