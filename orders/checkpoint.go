package orders

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
)

// CrashCheckpoint is the point of a crash between two records of a checkpoint. No desk calls it: whoever writes the records does.
const CrashCheckpoint = 15

// Checkpoint is the state of every account that a journal names, folded from its records beside those who own the accounts.
// Make it with NewCheckpoint, give it what journal.Log.Replay gives, and have Parts written. It is for one goroutine.
type Checkpoint struct {
	options  func(market.Account) Options
	accounts map[market.Account]*past
	loading  map[market.Account][]byte // of the checkpoint that is being read
	at       journal.LSN
}

// NewCheckpoint returns one of an empty journal. options are those under which an account's records are folded, as its owner
// folds them; nil gives every account the zero ones.
func NewCheckpoint(options func(market.Account) Options) *Checkpoint {
	return &Checkpoint{options: options, accounts: map[market.Account]*past{}, loading: map[market.Account][]byte{}}
}

// At returns the last record that is in the state, 0 for none.
func (c *Checkpoint) At() journal.LSN { return c.at }

// Accounts returns the accounts that are in the state, in order.
func (c *Checkpoint) Accounts() []market.Account { return slices.Sorted(maps.Keys(c.accounts)) }

// Digest returns that of an account's machine, false for an account that has no record.
func (c *Checkpoint) Digest(a market.Account) ([32]byte, bool) {
	p := c.accounts[a]
	if p == nil {
		return [32]byte{}, false
	}
	return p.m.Digest(), true
}

// Fold takes the next record: the parts of an earlier checkpoint first, then those behind what it covers, without a gap. The
// error is ErrRecord for one that says nothing to us or does not follow on; nothing may be written of the state after that.
func (c *Checkpoint) Fold(r journal.Record) error {
	switch {
	case c.at == 0 && r.Kind == journal.KindCheckpoint:
		return c.load(r)
	case r.LSN != c.at+1:
		return fmt.Errorf("%w: LSN %d follows %d", ErrRecord, r.LSN, c.at)
	}
	if isOrders(r) {
		account, now, in, err := decode(r)
		if err != nil {
			return err
		}
		c.past(account).fold(r.Epoch, now, in)
	}
	c.at = r.LSN
	return nil
}

func (c *Checkpoint) past(a market.Account) *past {
	p := c.accounts[a]
	if p == nil {
		p = newPast(c.optionsOf(a))
		c.accounts[a] = p
	}
	return p
}

func (c *Checkpoint) optionsOf(a market.Account) Options {
	var o Options
	if c.options != nil {
		o = c.options(a)
	}
	o.Account, o.SessionOpen, o.NextID = a, false, nil
	return o
}

// load takes a part of an earlier checkpoint.
func (c *Checkpoint) load(r journal.Record) error {
	account, b, covers, err := partOf(r)
	if err != nil {
		return err
	}
	if covers == 0 {
		c.loading[account] = append(c.loading[account], b...)
		return nil
	}
	for a, b := range c.loading {
		if err := c.past(a).load(b); err != nil {
			return fmt.Errorf("account %s: %w", a, err)
		}
	}
	c.loading, c.at = map[market.Account][]byte{}, covers
	return nil
}

// Parts gives the state in parts of at most size bytes, at most journal.MaxPart, each of one account. What is given was read
// back and is the same state; an error, which ends it, says that it was not, and then nothing of it may be kept. A part is
// valid until the next one is asked for.
func (c *Checkpoint) Parts(size int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var buf []byte
		for _, a := range c.Accounts() {
			buf = c.accounts[a].encode(buf[:0])
			if err := newPast(c.optionsOf(a)).load(buf); err != nil {
				yield(nil, fmt.Errorf("account %s: %w", a, err))
				return
			}
			if !cut(a, buf, min(size, journal.MaxPart), yield) {
				return
			}
		}
		if len(c.accounts) == 0 {
			yield(partHead(nil, ""), nil) // of nobody: a checkpoint has one part at least
		}
	}
}

// cut gives one account's state in parts.
func cut(a market.Account, state []byte, size int, yield func([]byte, error) bool) bool {
	part := partHead(nil, a)
	head := len(part)
	for piece := range slices.Chunk(state, max(1, size-head)) {
		part = append(part[:head], piece...)
		if !yield(part, nil) {
			return false
		}
	}
	return true
}

// partHead is how a part begins: whose it is.
func partHead(b []byte, a market.Account) []byte {
	c := coder{b: b, write: true}
	code(&c, &a)
	return c.b
}

// partOf reads a record of a checkpoint: the account and the bytes of a part, or, of the closing record, what it covers.
func partOf(r journal.Record) (a market.Account, state []byte, covers journal.LSN, err error) {
	p, err := journal.PartOf(r)
	switch {
	case err != nil:
		return "", nil, 0, fmt.Errorf("%w: %w", ErrRecord, err)
	case p.Last:
		return "", nil, p.Covers, nil
	}
	c := coder{b: p.Bytes}
	if code(&c, &a); c.err != nil {
		return "", nil, 0, fmt.Errorf("%w: lsn %d: %w", ErrRecord, r.LSN, c.err)
	}
	return a, c.b, 0, nil
}
