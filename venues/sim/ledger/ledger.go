// Package ledger reads what the embedded exchange wrote and judges promises by it. The ledger is the truth: the judges J1 to
// J7 compare a node with it and never the other way round.
//
// It serves P1 to P4 and P7 as their judge. It never writes a ledger and never forgives one: only a torn last line, which
// the exchange was killed within, is left out; any other bad line is an error.
package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// ErrBadLine says that a ledger cannot be trusted; it is wrapped with the line's number and the offset of its first byte.
var ErrBadLine = errors.New("bad ledger line")

// Ledger is what was read.
type Ledger struct {
	Lines  []sim.Line
	Torn   int  // bytes of the last line that were left out
	Closed bool // the last line is a close line: the exchange was not killed

	stand map[string]standing // executions as they stand, by the latest id of each
}

// standing is an execution of a trade line, with what became of it.
type standing struct {
	oid     string
	account market.Account
	sym     market.Symbol
	side    market.Side
	qty     market.Qty
	px      market.Price
}

// Open reads the file.
func Open(path string) (*Ledger, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	l, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// Read reads a ledger to its end. A last line without a line end is torn and left out. Any other line that is not JSON of a
// known kind with its known fields, or out of number, or earlier than the one before, or a close line that does not fit the
// bytes, counts and positions before it, is an ErrBadLine.
func Read(r io.Reader) (*Ledger, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	l, at := &Ledger{}, 0
	for at < len(b) {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			l.Torn = len(b) - at
			break
		}
		n := uint64(len(l.Lines) + 1)
		line, err := decode(b[at : at+end])
		if err == nil {
			err = l.follows(line, n, b[:at])
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d, offset %d: %w", ErrBadLine, n, at, err)
		}
		l.Lines = append(l.Lines, line)
		at += end + 1
	}
	return l, nil
}

// Kept is a ledger that was kept in memory, see sim.KeepLedger. It is held to the same as one that was written, but for the checksum.
func Kept(lines []sim.Line) (*Ledger, error) {
	l := &Ledger{Lines: make([]sim.Line, 0, len(lines))}
	for i, line := range lines {
		n := uint64(i + 1)
		if err := l.stands(line, n); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrBadLine, n, err)
		}
		l.Lines = append(l.Lines, line)
	}
	return l, nil
}

// follows says whether a line may stand at number n behind the bytes before.
func (l *Ledger) follows(line sim.Line, n uint64, before []byte) error {
	if c, ok := line.(*sim.CloseLine); ok && !l.Closed && c.Lines == n {
		if sum := fmt.Sprintf("%08x", crc32.Checksum(before, crc32.MakeTable(crc32.Castagnoli))); c.CRC32C != sum {
			return fmt.Errorf("crc32c = %q, want %q", c.CRC32C, sum)
		}
	}
	return l.stands(line, n)
}

// stands says whether a line may stand at number n behind those before.
func (l *Ledger) stands(line sim.Line, n uint64) error {
	if got := line.At().N; got != n {
		return fmt.Errorf("n = %d, want %d", got, n)
	}
	if l.Closed {
		return errors.New("line behind the close line")
	}
	if _, open := line.(*sim.OpenLine); open != (n == 1) {
		return fmt.Errorf("k = %q, want open as the first line only", line.At().K)
	}
	if n > 1 && line.At().T < l.Lines[n-2].At().T {
		return fmt.Errorf("t = %d, want at least %d, that of the line before", line.At().T, l.Lines[n-2].At().T)
	}
	switch t := line.(type) {
	case *sim.TradeLine:
		l.trade(t)
	case *sim.CorrectionLine:
		return l.revise(t)
	}
	c, ok := line.(*sim.CloseLine)
	if !ok {
		return nil
	}
	l.Closed = true
	if c.Lines != n {
		return fmt.Errorf("lines = %d, want %d", c.Lines, n)
	}
	return l.adds(c)
}

func (l *Ledger) trade(t *sim.TradeLine) {
	if l.stand == nil {
		l.stand = map[string]standing{}
	}
	for side, p := range map[market.Side]*sim.Party{market.Buy: t.Buy, market.Sell: t.Sell} {
		if p != nil {
			l.stand[p.Exec] = standing{p.OID, p.Account, t.Sym, side, t.Qty, t.Px}
		}
	}
}

// revise says whether a bust or a correction speaks of an execution that stands, and of what it is.
func (l *Ledger) revise(c *sim.CorrectionLine) error {
	was, ok := l.stand[c.Ref]
	if !ok {
		return fmt.Errorf("%s of execution %q, which does not stand", c.K, c.Ref)
	}
	if found := (standing{c.OID, c.Account, c.Sym, c.Side, c.OldQty, c.OldPx}); found != was {
		return fmt.Errorf("%s of %+v, want %+v", c.K, found, was)
	}
	delete(l.stand, c.Ref)
	if (c.K == "bust") != (c.Qty == 0) {
		return fmt.Errorf("%s to %v, want 0 of a bust alone", c.K, c.Qty)
	}
	if c.K == "correct" {
		was.qty, was.px = c.Qty, c.Px
		l.stand[c.Exec] = was
	}
	return nil
}

// adds says whether the sums of the close line are those of the lines.
func (l *Ledger) adds(c *sim.CloseLine) error {
	var want sim.CloseLine
	want.Orders, want.Trades = uint64(len(Orders(l))), uint64(len(Of[*sim.TradeLine](l)))
	for _, x := range Of[*sim.CorrectionLine](l) {
		if x.K == "bust" {
			want.Busts++
		} else {
			want.Corrects++
		}
	}
	if c.Orders != want.Orders || c.Trades != want.Trades || c.Busts != want.Busts || c.Corrects != want.Corrects {
		return fmt.Errorf("orders, trades, busts, corrects = %d, %d, %d, %d, want %d, %d, %d, %d", c.Orders, c.Trades, c.Busts,
			c.Corrects, want.Orders, want.Trades, want.Busts, want.Corrects)
	}
	if pos := Positions(l); !maps.EqualFunc(c.PerAccount, pos, maps.Equal) {
		return fmt.Errorf("per_account = %v, want %v", c.PerAccount, pos)
	}
	return nil
}

func decode(b []byte) (sim.Line, error) {
	var h struct {
		K string `json:"k"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, err
	}
	line := blank(h.K)
	if line == nil {
		return nil, fmt.Errorf("k = %q, want a known kind", h.K)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(line); err != nil {
		return nil, err
	}
	if line.At().K != h.K { // a key that stands twice
		return nil, fmt.Errorf("k = %q and %q, want one", h.K, line.At().K)
	}
	return line, nil
}

func blank(kind string) sim.Line {
	switch kind {
	case "open":
		return &sim.OpenLine{}
	case "link":
		return &sim.LinkLine{}
	case "recv":
		return &sim.RecvLine{}
	case "order":
		return &sim.OrderLine{}
	case "trade":
		return &sim.TradeLine{}
	case "bust", "correct":
		return &sim.CorrectionLine{}
	case "send":
		return &sim.SendLine{}
	case "exposure":
		return &sim.ExposureLine{}
	case "phase":
		return &sim.PhaseLine{}
	case "fault":
		return &sim.FaultLine{}
	case "mark":
		return &sim.MarkLine{}
	case "close":
		return &sim.CloseLine{}
	}
	return nil
}

// Of gives the lines of one kind, in order: Of[*sim.TradeLine](l).
func Of[L sim.Line](l *Ledger) []L {
	var out []L
	for _, line := range l.Lines {
		if x, ok := line.(L); ok {
			out = append(out, x)
		}
	}
	return out
}

// Positions gives the signed position of each account and symbol: trades, less busts, with corrections. Positions that are
// 0 are left out.
func Positions(l *Ledger) map[market.Account]map[market.Symbol]market.Qty {
	pos := map[market.Account]map[market.Symbol]market.Qty{}
	move := func(a market.Account, s market.Symbol, q market.Qty) {
		if pos[a] == nil {
			pos[a] = map[market.Symbol]market.Qty{}
		}
		pos[a][s] += q
		if pos[a][s] == 0 {
			delete(pos[a], s)
		}
		if len(pos[a]) == 0 {
			delete(pos, a)
		}
	}
	for _, line := range l.Lines {
		switch t := line.(type) {
		case *sim.TradeLine:
			if t.Buy != nil {
				move(t.Buy.Account, t.Sym, t.Qty)
			}
			if t.Sell != nil {
				move(t.Sell.Account, t.Sym, -t.Qty)
			}
		case *sim.CorrectionLine:
			move(t.Account, t.Sym, market.Qty(t.Side.Sign())*(t.Qty-t.OldQty))
		}
	}
	return pos
}

// Orders gives the last line of each order, in the order in which the orders came.
func Orders(l *Ledger) []*sim.OrderLine {
	at := map[string]int{}
	var out []*sim.OrderLine
	for _, o := range Of[*sim.OrderLine](l) {
		i, ok := at[o.OID]
		if !ok {
			at[o.OID] = len(out)
			out = append(out, o)
			continue
		}
		out[i] = o
	}
	return out
}
