package actors

// Trace names the trace that a message belongs to: the trace id and the parent span of W3C Trace Context. The zero
// Trace is none: the message was not sampled.
type Trace struct {
	ID   [16]byte
	Span uint64
}

// Sampled says whether t names a trace.
func (t Trace) Sampled() bool { return t.ID != [16]byte{} }

// Sender is who a message comes from: the *Context of a handler, the Outside of a Run function, or one of them as
// Traced makes it. Dead letters name it, and its receiver may ask for it.
type Sender interface{ sending() *slip }

// Traced is a Sender whose messages belong to the trace t; from may be nil, for a goroutine outside. It allocates once,
// so begin a trace for a sample of messages only. What a handler sends while it has such a message in hand belongs to
// the trace too, if it says who sends it.
func Traced(from Sender, t Trace) Sender {
	s := &slip{trace: t}
	if from != nil {
		s.from = from.sending().from
	}
	return s
}

// sending makes a slip a Sender.
func (s *slip) sending() *slip { return s }

func (c *Context[M]) sending() *slip {
	if t := c.Trace(); t.Sampled() {
		return &slip{from: c.in.life, trace: t}
	}
	return &c.in.origin
}

func (o Outside) sending() *slip { return &o.w.origin }

// Trace is the trace of the message in hand, the zero Trace where there is none.
func (c *Context[M]) Trace() Trace {
	if s := c.in.item[0].Message.slip; s != nil {
		return s.trace
	}
	return Trace{}
}

// Sender is the name and epoch of who sent the message in hand, where it said so: "" and 0 otherwise, and for a
// goroutine outside. An answer comes from who was asked, a Down from who is down.
func (c *Context[M]) Sender() (Name, Epoch) {
	if s := c.in.item[0].Message.slip; s != nil && s.from != nil {
		return s.from.name, s.from.epoch
	}
	return "", 0
}

// TellFrom is Tell, and says who sends. It allocates nothing unless the sender has a traced message in hand.
func (r Ref[M]) TellFrom(from Sender, m M) error {
	if r.in == nil {
		return ErrUnknown
	}
	if r.in.barred.Load() {
		return r.in.barrier()
	}
	return r.in.tell(envelope[M]{message: m, slip: from.sending()})
}

// TellFrom is Tell, and says who sends.
func (a Address[M]) TellFrom(from Sender, m M) error {
	return a.tell(envelope[M]{message: m, slip: from.sending()})
}
