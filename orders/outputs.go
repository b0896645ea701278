package orders

import "github.com/failshut/failshut/risk"

// earlyCancels is how many cancels that overtook their orders are remembered.
const earlyCancels = 1024

// received takes what the venue said: evidence before effect.
func (d *Desk) received(in Inbound) {
	d.crash(CrashHeard)
	d.evidence = d.witness(in)
	count(d.nextIn, in)
	d.crash(CrashEvidence)
	if d.p.Events.Report != nil {
		d.p.Events.Report(in)
	}
	l, link := in.(Link)
	if link {
		d.cut(l)
		d.linked(l)
	}
	reconciling := d.m.session == sessionReconciling
	d.step(in)
	if _, answer := in.(Answer); answer && reconciling {
		d.crash(CrashAnswered)
	}
	if link && l.Event == LinkLogout {
		d.post(risk.Session{Account: d.p.Options.Account})
	}
	d.evidence = 0
}

func (d *Desk) linked(l Link) {
	if d.p.Events.LinkState != nil {
		d.p.Events.LinkState(l.Event, l.Why)
	}
	if l.Event == LinkLogon {
		d.linkedAt, d.revealed, d.opened = d.now.Mono, true, false
		clear(d.driven) // another link may take at once what the last one refused
		d.post(risk.Session{Account: d.p.Options.Account, Up: true})
	}
}

// carryOut does what a step asks for: the gate first, then the venue, then
// those who listen. Records are appended behind what they speak of, since a
// cancel waits for no disk.
func (d *Desk) carryOut(out []Output) {
	if len(out) == 0 {
		return
	}
	d.crash(CrashStepped)
	for i := range out {
		if out[i].Kind.posted() {
			d.one(out[i])
		}
	}
	d.crash(CrashPosted)
	for i := range out {
		if !out[i].Kind.posted() {
			d.one(out[i])
		}
	}
}

// one does one output.
func (d *Desk) one(o Output) {
	switch o.Kind {
	case OutHold:
		d.hold(o)
	case OutExecute:
		d.execute(o.Event)
	case OutRecord:
		_, _ = d.append(o.Record) // behind: without it the venue's word is asked for after a restart
	case OutPlace:
		d.sendNew(o.New())
	case OutReplace:
		d.sendReplace(o.Replace())
	case OutCancel:
		d.sendCancel(o.Cancel())
	case OutAsk:
		_ = d.p.Gateway.Ask(o.Question()) // a question that did not leave is asked again by the reconciler
	case OutMassCancel:
		_ = d.p.Gateway.MassCancel(o.Scope()) // each order has a cancel of its own beside it
	case OutEvent:
		e := o.Event
		e.Evidence = uint64(d.evidence)
		d.tell(e)
	case OutFlag:
		d.flagged(o)
	}
}

func (d *Desk) hold(o Output) {
	if o.Unsent {
		d.p.Gate.Veto(o.Held.Order)
		return
	}
	d.p.Gate.Hold(o.Held)
}

func (d *Desk) execute(e Event) {
	d.p.Gate.Execute(risk.Execution{
		Exec: e.Exec, Order: heldID(e.Order, e.OrderID), Strategy: e.Strategy, Instrument: e.Instrument, Side: e.Side,
		Qty: e.LastQty, Price: e.LastPx,
	})
}

// sendCancel hands a cancel over at once. One that the link does not take is
// sent again at the next logon.
func (d *Desk) sendCancel(c Cancel) {
	if err := d.p.Gateway.Cancel(c); err != nil {
		d.todo = append(d.todo, Unsent{ID: c.ID, Reason: ReasonGateway})
		return
	}
	d.crash(CrashCancelled)
	d.timers = append(d.timers, timer{due: d.now.Mono + int64(d.p.AnswerAfter), id: c.ID})
	if d.p.Events.CloseStep != nil {
		d.p.Events.CloseStep(c.ID, d.doing)
	}
}

func (d *Desk) flagged(o Output) {
	if d.p.Events.Flag != nil {
		d.p.Events.Flag(o.Flag, o.Event)
	}
	switch o.Flag {
	case FlagRevived:
		d.revealed = true
	case FlagForeignOrder:
		d.revealed = true
		if d.p.Events.Leak != nil {
			d.p.Events.Leak(o.Event)
		}
	case FlagStaleVeto:
		if d.p.Events.Vetoed != nil {
			d.p.Events.Vetoed(o.Event.Order, ReasonStale)
		}
	default:
	}
}

func (d *Desk) tell(e Event) {
	d.watch(e)
	if d.p.Listener != nil {
		d.p.Listener(e)
	}
}

// watch calls the hooks of an event, and notes what it asks the desk to look at.
func (d *Desk) watch(e Event) {
	call := func(f func(Event)) {
		if f != nil {
			f(e)
		}
	}
	switch e.Kind {
	case EventFill:
		call(d.p.Events.Fill)
	case EventUnknown:
		call(d.p.Events.Unknown)
	case EventResolved:
		d.revealed = true
		d.survived(e)
		call(d.p.Events.Resolved)
	case EventReopened:
		d.revealed = true
	case EventRefused:
		call(d.p.Events.Refused)
	case EventUnsent:
		if d.p.Events.Vetoed != nil {
			d.p.Events.Vetoed(e.Order, e.Reason)
		}
	case EventOpen:
		d.revealed, d.opened = true, true
	default: // the listener hears of the rest
	}
}

// cancelOrder asks for the end of one order, whatever state anything is in.
func (d *Desk) cancelOrder(v CancelOrder) {
	of := Ref{ID: v.ID, OrderID: v.OrderID}
	if of == (Ref{}) && v.Cause != (risk.Cause{}) {
		id, ok := d.m.ByCause(v.Strategy, v.Cause)
		if !ok {
			d.tooEarly(wish{v.Strategy, v.Cause})
			return
		}
		of.ID = id
	}
	d.doing = "asked"
	d.step(Withdraw{ID: d.nextID(), Of: of})
}

// tooEarly remembers a cancel that overtook its order, the newest few of them.
func (d *Desk) tooEarly(w wish) {
	if len(d.early) == earlyCancels {
		d.early = d.early[1:]
	}
	d.early = append(d.early, w)
}

func (d *Desk) cancelAll(v CancelAll) {
	live := d.m.Live(v.Scope)
	d.doing = v.Why
	v.Scope.Account = d.p.Options.Account
	// A venue knows no strategies, and would end the orders of all. Of an account
	// it may know orders that we do not, so it is asked even when we know of none.
	if v.Scope.Strategy == "" {
		d.step(WithdrawAll{Scope: v.Scope})
	}
	for _, of := range live {
		d.step(Withdraw{ID: d.nextID(), Of: of})
	}
}

// tick fires the answer timers that are due, withdraws what is to be closed and
// asks for silent orders.
func (d *Desk) tick() {
	d.writeOwed()
	d.forgetDriven()
	d.drive()                      // before anything may leave
	d.durable(d.p.Log.Watermark()) // in case a notice found the box full
	n := 0
	for n < len(d.timers) && d.timers[n].due <= d.now.Mono {
		n++
	}
	for i := range n {
		d.step(Timeout{ID: d.timers[i].id})
	}
	d.timers = append(d.timers[:0], d.timers[n:]...)
	d.silence()
}

func (d *Desk) recall(v Recall) {
	var r Recalled
	for _, of := range d.m.Live(Scope{Strategy: v.Strategy}) {
		if o, ok := d.m.Order(of); ok && o.Strategy == v.Strategy {
			r.Orders = append(r.Orders, o)
		}
	}
	r.Positions = d.m.PositionsOf(v.Strategy)
	r.Executions = d.m.ExecutionsOf(v.Strategy)
	if v.Reply != nil {
		v.Reply(r)
	}
}
