package fix

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/failshut/failshut/internal/fix44"
)

// firstMost bounds the first message of a connection, its logon.
const firstMost = 8 << 10

var errLogon = errors.New("venue fix: no logon")

// conn is a connection of a client. The engine looks a session up by the CompIDs and the SenderSubID of the first message; here a session
// belongs to an account and not to the node that speaks for it, so the sub id is taken out of that message, and remembered.
type conn struct {
	net.Conn
	from *fix44.Sift // the engine's parser panics at some of what is not sound
	once sync.Once
	head []byte // of the first message, as the engine is to read it
	err  error
	sub  string
	over chan struct{} // closed when the engine has let go of the connection
	end  sync.Once
}

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, from: fix44.NewSift(c), over: make(chan struct{})}
}

// Read gives the first message without its sub id, then the rest as it comes.
func (c *conn) Read(b []byte) (int, error) {
	c.once.Do(c.logon)
	if len(c.head) > 0 {
		n := copy(b, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	if c.err != nil {
		return 0, c.err
	}
	return c.from.Read(b)
}

// Close is the engine's: it has let go.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.end.Do(func() { close(c.over) })
	return err
}

// cut ends the connection; the engine hears of it.
func (c *conn) cut() { _ = c.Conn.Close() }

func (c *conn) logon() {
	var buf [firstMost]byte
	n := 0
	for n < len(buf) {
		k, err := c.from.Read(buf[n:])
		n += k
		if end := endOf(buf[:n]); end > 0 {
			c.head, c.sub, c.err = withoutSub(buf[:end])
			c.head = append(c.head, buf[end:n]...)
			return
		}
		if err != nil {
			c.err = err
			return
		}
	}
	c.err = fmt.Errorf("%w: nothing ends within %d bytes", errLogon, firstMost)
}

const soh = "\x01"

// endOf returns where the first message ends, 0 while it has not.
func endOf(b []byte) int {
	at := bytes.Index(b, []byte(soh+"10="))
	if at < 0 {
		return 0
	}
	end := bytes.Index(b[at+1:], []byte(soh))
	if end < 0 {
		return 0
	}
	return at + 1 + end + 1
}

// withoutSub takes the SenderSubID out of a message whose sum and length are right; one that is wrong is left for the engine to refuse.
func withoutSub(m []byte) (out []byte, sub string, err error) {
	field := []byte(soh + strconv.Itoa(fix44.SenderSubID) + "=")
	at := bytes.Index(m, field)
	if at < 0 || !whole(m) {
		return bytes.Clone(m), "", nil
	}
	end := at + len(field) + bytes.Index(m[at+len(field):], []byte(soh))
	sub = string(m[at+len(field) : end])
	body := append(bytes.Clone(m[:at]), m[end:]...)
	return sealed(body), sub, nil
}

// whole reports whether the checksum of a message is right.
func whole(m []byte) bool {
	at := bytes.LastIndex(m, []byte(soh+"10="))
	return at >= 0 && bytes.Equal(m[at+1:], sum(m[:at+1]))
}

// sealed gives a message its length and sum anew.
func sealed(m []byte) []byte {
	length := bytes.Index(m, []byte(soh+"9="))
	from := length + 1 + bytes.Index(m[length+1:], []byte(soh)) + 1
	to := bytes.LastIndex(m, []byte(soh+"10=")) + 1
	out := append(bytes.Clone(m[:length+1]), []byte("9="+strconv.Itoa(to-from)+soh)...)
	out = append(out, m[from:to]...)
	return append(out, sum(out)...)
}

func sum(b []byte) []byte {
	var n byte
	for _, c := range b {
		n += c
	}
	return fmt.Appendf(nil, "10=%03d%s", n, soh)
}
