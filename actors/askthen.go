package actors

import "time"

// AskThen is Ask for a handler: it returns at once, and the answer comes to this actor as the message that wrap makes
// of it, on Reports, in the order of what is told there, exactly once: the reply, or one of the errors of Ask, which is
// ErrExpired at the deadline; the zero deadline is Config.AskMax from now. wrap is called in this actor's turn just
// before the message is handled. An error means that nothing was sent and no answer comes: the errors of Tell, ErrFull
// also when this actor waits for 1,024 answers. Answers that have not come when the incarnation ends never come.
func AskThen[R, N, M any](c *Context[M], to Recipient[N], build func(ReplyTo[R]) N, deadline time.Time, wrap func(R, error) M) error {
	if !c.mayAct() {
		return ErrOutOfTurn
	}
	in := c.in
	callee, err := to.resolve()
	if err != nil {
		return err
	}
	a := &pendingAsk[R, M]{in: in, wrap: wrap}
	a.callee, a.asker, a.reply.parcel = &callee.cell, a, a
	a.from, a.trace, a.reply.from, a.reply.trace = in.life, c.Trace(), callee.life, c.Trace()
	until := int64(0)
	if !deadline.IsZero() {
		until = max(in.sys.Instant(deadline), 1)
	}
	if err := in.asking.add(&a.question, ofAsker); err != nil {
		return err
	}
	err = put(callee, &a.question, build(ReplyTo[R]{ask: &a.ask}), until)
	if err != nil {
		in.asking.remove(&a.question, ofAsker)
	}
	return err
}

// pendingAsk is an ask whose answer comes as a message of type M.
type pendingAsk[R, M any] struct {
	ask[R]
	in    *incarnation[M]
	wrap  func(R, error) M
	reply slip
}

func (a *pendingAsk[R, M]) settled() {
	a.in.asking.remove(&a.question, ofAsker)
	a.in.post(&a.reply)
}

func (a *pendingAsk[R, M]) unpack() (M, bool) { return a.wrap(a.value, a.err), true }

// stopAsking gives up all that the cell waits for.
func (c *cell) stopAsking() {
	for _, q := range c.asking.refuse(ErrClosed, ofAsker) {
		q.giveUp()
	}
}
