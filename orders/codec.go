package orders

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/failshut/failshut/internal/journal"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/risk"
)

// Kinds of the records that this package writes.
const (
	KindIntent   journal.Kind = 16 + iota // a Create or a Change, durable before it leaves
	KindArmed                             // an Arm
	KindEvidence                          // what the venue said, or a cancel that was sent
	KindVerdict                           // what was decided without a message
	KindLink                              // a Link
	KindDay                               // a NewDay
	KindReserve                           // a Reserve, durable before the first of its ids is used
)

// recordVersion is the version of every body of this package.
const recordVersion = 1

// ErrRecord is a journal record that is not of this package's making.
var ErrRecord = errors.New("orders: record not readable")

// tag says which input a record holds. The numbers are on disk and never change.
type tag byte

const (
	tagCreate tag = iota + 1
	tagChange
	tagArm
	tagUnsent
	tagTimeout
	tagAskAll
	tagNewDay
	tagCancelSent
	tagReport
	tagCancelReject
	tagBusinessReject
	tagSessionReject
	tagAnswer
	tagMassEnd
	tagMassCancelAck
	tagLink
	tagCrash
	tagHandOver
	tagReserve
	tagResolve
	tagAccept
)

// coder reads or writes one record body; the same code does both, so that
// neither can forget a field.
type coder struct {
	b     []byte
	write bool
	err   error
}

// encode returns the kind and the body of a journalled input: account, Instant
// and the input's fields. It appends to buf.
func encode(buf []byte, account market.Account, now int64, in Input) (journal.Kind, []byte, error) {
	c := coder{b: buf, write: true}
	k, t := kindOf(in)
	if t == 0 {
		return 0, buf, fmt.Errorf("%w: %T is not journalled", ErrRecord, in)
	}
	code(&c, &account)
	c.int(&now)
	c.b = append(c.b, byte(t))
	c.input(t, in)
	return k, c.b, c.err
}

// decode reads what encode wrote.
func decode(r journal.Record) (account market.Account, now int64, in Input, err error) {
	if r.Version != recordVersion {
		return "", 0, nil, fmt.Errorf("%w: lsn %d: version %d, want %d", ErrRecord, r.LSN, r.Version, recordVersion)
	}
	c := coder{b: r.Body}
	code(&c, &account)
	c.int(&now)
	t := tag(c.byte())
	in = c.input(t, nil)
	switch {
	case c.err != nil:
		return "", 0, nil, fmt.Errorf("%w: lsn %d: %w", ErrRecord, r.LSN, c.err)
	case in == nil:
		return "", 0, nil, fmt.Errorf("%w: lsn %d: tag %d", ErrRecord, r.LSN, t)
	case len(c.b) != 0:
		return "", 0, nil, fmt.Errorf("%w: lsn %d: %d bytes too many", ErrRecord, r.LSN, len(c.b))
	}
	return account, now, in, nil
}

func kindOf(in Input) (journal.Kind, tag) {
	switch in.(type) {
	case Create:
		return KindIntent, tagCreate
	case Change:
		return KindIntent, tagChange
	case Arm:
		return KindArmed, tagArm
	case HandOver:
		return KindVerdict, tagHandOver
	case Unsent:
		return KindVerdict, tagUnsent
	case Timeout:
		return KindVerdict, tagTimeout
	case AskAll:
		return KindVerdict, tagAskAll
	case Crash:
		return KindVerdict, tagCrash
	case NewDay:
		return KindDay, tagNewDay
	case Reserve:
		return KindReserve, tagReserve
	case Resolve:
		return KindVerdict, tagResolve
	case Accept:
		return KindVerdict, tagAccept
	case cancelSent:
		return KindEvidence, tagCancelSent
	case Report:
		return KindEvidence, tagReport
	case CancelReject:
		return KindEvidence, tagCancelReject
	case BusinessReject:
		return KindEvidence, tagBusinessReject
	case SessionReject:
		return KindEvidence, tagSessionReject
	case Answer:
		return KindEvidence, tagAnswer
	case MassEnd:
		return KindEvidence, tagMassEnd
	case MassCancelAck:
		return KindEvidence, tagMassCancelAck
	case Link:
		return KindLink, tagLink
	default:
		return 0, 0
	}
}

// input codes the fields of t. in is nil when reading.
func (c *coder) input(t tag, in Input) Input {
	switch t {
	case tagCreate:
		return with(c, in, c.create)
	case tagChange:
		return with(c, in, c.change)
	case tagArm:
		return with(c, in, func(v *Arm) { code(c, &v.ID) })
	case tagHandOver:
		return with(c, in, func(v *HandOver) { code(c, &v.ID) })
	case tagUnsent:
		return with(c, in, func(v *Unsent) { code(c, &v.ID); code(c, &v.Reason) })
	case tagTimeout:
		return with(c, in, func(v *Timeout) { code(c, &v.ID) })
	case tagAskAll:
		return AskAll{}
	case tagCrash:
		return Crash{}
	case tagNewDay:
		return NewDay{}
	case tagReserve:
		return with(c, in, func(v *Reserve) { code(c, &v.From); code(c, &v.To); c.bool(&v.Done) })
	case tagCancelSent:
		return with(c, in, c.cancelSent)
	case tagAnswer:
		return with(c, in, c.answer)
	case tagReport:
		return with(c, in, c.report)
	default:
		return c.other(t, in)
	}
}

func (c *coder) other(t tag, in Input) Input {
	switch t {
	case tagCancelReject:
		return with(c, in, func(v *CancelReject) {
			c.origin(&v.Origin)
			code(c, &v.ID)
			code(c, &v.Orig)
			code(c, &v.OrderID)
			small(c, &v.Status)
			number64(c, &v.Reason)
			code(c, &v.Text)
		})
	case tagBusinessReject:
		return with(c, in, func(v *BusinessReject) { c.refusal(&v.Origin, &v.ID, &v.Reason, &v.Text) })
	case tagSessionReject:
		return with(c, in, func(v *SessionReject) { c.refusal(&v.Origin, &v.ID, &v.Reason, &v.Text) })
	case tagMassEnd:
		return with(c, in, func(v *MassEnd) { c.origin(&v.Origin); number64(c, &v.Count) })
	case tagMassCancelAck:
		return with(c, in, func(v *MassCancelAck) { c.origin(&v.Origin); c.bool(&v.Accepted) })
	case tagResolve:
		return with(c, in, c.resolve)
	case tagAccept:
		return with(c, in, func(v *Accept) {
			number := int64(v.Difference)
			c.int(&number)
			v.Difference = uint64(number)
			code(c, &v.By)
			code(c, &v.Why)
		}) //nolint:gosec // as it was written
	case tagLink:
		return with(c, in, func(v *Link) { c.origin(&v.Origin); small(c, &v.Event); code(c, &v.Why) })
	default:
		return nil
	}
}

func with[T Input](c *coder, in Input, fields func(*T)) Input {
	v, _ := in.(T)
	fields(&v)
	if c.write {
		return in
	}
	return v
}

func (c *coder) create(v *Create) {
	c.order(&v.New)
	c.cause(&v.Cause)
	number64(c, &v.TTL)
	c.bool(&v.Held)
}

func (c *coder) order(v *New) {
	code(c, &v.ID)
	code(c, &v.Account)
	code(c, &v.Strategy)
	c.instrument(&v.Instrument)
	small(c, &v.Side)
	small(c, &v.Type)
	small(c, &v.TIF)
	number64(c, &v.Qty)
	number64(c, &v.Price)
	number64(c, &v.StopPrice)
	c.int(&v.Decided)
}

func (c *coder) change(v *Change) {
	code(c, &v.ID)
	c.ref(&v.Of)
	number64(c, &v.Qty)
	number64(c, &v.Price)
	c.bool(&v.Held)
	c.cause(&v.Cause)
	c.int(&v.Due)
}

func (c *coder) cancelSent(v *cancelSent) {
	c.ref(&v.Of)
	code(c, &v.ID)
	code(c, &v.Orig)
	c.bool(&v.Queued)
	c.bool(&v.Again)
}

func (c *coder) resolve(v *Resolve) {
	c.ref(&v.Of)
	small(c, &v.As)
	number64(c, &v.Qty)
	number64(c, &v.Price)
	code(c, &v.By)
	code(c, &v.Why)
}

func (c *coder) answer(v *Answer) {
	code(c, &v.id)
	code(c, &v.oid)
	small(c, &v.kind)
	if v.kind == found {
		c.report(&v.report)
	}
}

func (c *coder) report(v *Report) {
	c.origin(&v.Origin)
	code(c, &v.ID)
	code(c, &v.Orig)
	code(c, &v.OrderID)
	code(c, &v.ExecID)
	code(c, &v.ExecRef)
	small(c, &v.Type)
	small(c, &v.Status)
	c.instrument(&v.Instrument)
	small(c, &v.Side)
	for _, q := range []*market.Qty{&v.Qty, &v.Cum, &v.Leaves, &v.LastQty, &v.DayQty, &v.DayCum} {
		number64(c, q)
	}
	for _, p := range []*market.Price{&v.LastPx, &v.Price, &v.Avg} {
		number64(c, p)
	}
	c.bool(&v.HasAvg)
	c.bool(&v.HasDay)
	number64(c, &v.Reason)
	small(c, &v.Restate)
	code(c, &v.Text)
	c.bool(&v.Paper)
}

func (c *coder) origin(v *Origin) {
	code(c, &v.Session)
	seq := int64(v.Seq)
	c.int(&seq)
	v.Seq = uint64(seq)
	c.bool(&v.PossDup)
	c.bool(&v.PossResend)
	number64(c, &v.Recv)
}

func (c *coder) refusal(o *Origin, id *market.ClOrdID, reason *int, why *string) {
	c.origin(o)
	code(c, id)
	number64(c, reason)
	code(c, why)
}

func (c *coder) ref(v *Ref) {
	code(c, &v.ID)
	code(c, &v.OrderID)
}

func (c *coder) cause(v *risk.Cause) {
	if c.write {
		c.b = append(c.b, v[:]...)
		return
	}
	if len(c.b) < len(v) {
		c.short()
		return
	}
	copy(v[:], c.b)
	c.b = c.b[len(v):]
}

func (c *coder) instrument(v *market.Instrument) {
	s := v.String()
	code(c, &s)
	if c.write || c.err != nil || s == "" {
		return
	}
	i, err := market.ParseInstrument(s)
	if err != nil {
		c.err = err
	}
	*v = i
}

func code[S ~string](c *coder, s *S) {
	if c.write {
		c.b = binary.AppendUvarint(c.b, uint64(len(*s)))
		c.b = append(c.b, *s...)
		return
	}
	n, w := binary.Uvarint(c.b)
	if w <= 0 || n > uint64(len(c.b)-w) {
		c.short()
		return
	}
	*s = S(c.b[w : w+int(n)])
	c.b = c.b[w+int(n):]
}

func number64[N ~int64 | ~int](c *coder, v *N) {
	n := int64(*v)
	c.int(&n)
	*v = N(n)
}

func small[N ~uint8](c *coder, v *N) {
	if c.write {
		c.b = append(c.b, byte(*v))
		return
	}
	*v = N(c.byte())
}

func (c *coder) bool(v *bool) {
	n := byte(0)
	if *v {
		n = 1
	}
	small(c, &n)
	*v = n != 0
}

func (c *coder) int(v *int64) {
	if c.write {
		c.b = binary.AppendVarint(c.b, *v)
		return
	}
	n, w := binary.Varint(c.b)
	if w <= 0 {
		c.short()
		return
	}
	*v, c.b = n, c.b[w:]
}

func (c *coder) byte() byte {
	if len(c.b) == 0 {
		c.short()
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *coder) short() {
	c.err = errors.New("body too short")
	c.b = nil
}
