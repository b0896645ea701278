package config

import (
	"time"

	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/venues/sim"
)

// Exchange is the embedded exchange's configuration, the venue file.
type Exchange struct {
	Venue       ExchangeSelf   `yaml:"venue"`
	FIX         Acceptor       `yaml:"fix"`
	Sessions    []Target       `yaml:"sessions"`
	Orders      ExchangeOrders `yaml:"orders"`
	Phases      []PhaseAt      `yaml:"phases"`
	Instruments []Quoted       `yaml:"instruments"`
	Feed        ExchangeFeed   `yaml:"feed"`
	Flow        Flow           `yaml:"flow"`
	Ledger      LedgerKeys     `yaml:"ledger"`
	Faults      []Fault        `yaml:"faults" opt:""`
}

// ExchangeSelf names the exchange and its seed.
type ExchangeSelf struct {
	Name    market.Venue `yaml:"name"`
	Seed    int64        `yaml:"seed" min:"0"`
	Clock   string       `yaml:"clock" one:"real|virtual"`
	Control string       `yaml:"control"`
	Data    string       `yaml:"data"`
	Log     Log          `yaml:"log"`
}

// Acceptor is the exchange's order entry over the wire.
type Acceptor struct {
	Listen       string        `yaml:"listen"`
	Sender       string        `yaml:"sender"`
	Version      string        `yaml:"version" one:"FIX.4.2|FIX.4.4"`
	Heartbeat    HeartbeatSpan `yaml:"heartbeat"`
	LogonTimeout time.Duration `yaml:"logon_timeout" above:"0s"`
	Resend       bool          `yaml:"resend"`
}

// HeartbeatSpan bounds the heartbeat a client may ask for.
type HeartbeatSpan struct {
	Min time.Duration `yaml:"min" above:"0s"`
	Max time.Duration `yaml:"max" above:"0s"`
}

// Target is one session of the exchange: it belongs to an account, not to a node.
type Target struct {
	Target             string         `yaml:"target"`
	Account            market.Account `yaml:"account"`
	CancelOnDisconnect string         `yaml:"cancel_on_disconnect" one:"off|logout|disconnect|both"`
	Grace              time.Duration  `yaml:"grace" min:"0s"`
	Takeover           bool           `yaml:"takeover"`
	Reset              string         `yaml:"reset" one:"never|takeover|always"`
}

// ExchangeOrders says what the exchange accepts.
type ExchangeOrders struct {
	Dedupe            string   `yaml:"dedupe" one:"strict|possresend|none"`
	SelfTrade         string   `yaml:"self_trade" one:"off|cancel_new|cancel_old|cancel_both"`
	MassStatus        bool     `yaml:"mass_status"`
	MassCancel        bool     `yaml:"mass_cancel"`
	Types             []string `yaml:"types" one:"limit|market|stop"`
	TIFs              []string `yaml:"tifs" one:"day|gtc|ioc|fok|post_only"`
	MaxOpenPerAccount int      `yaml:"max_open_per_account" min:"1"`
}

// PhaseAt is a phase of trading and when it begins.
type PhaseAt struct {
	After   time.Duration   `yaml:"after" min:"0s"`
	Phase   string          `yaml:"phase" one:"pre_open|auction|continuous|halt|closed"`
	Symbols []market.Symbol `yaml:"symbols" opt:""`
}

// Quoted is an instrument of the exchange and the price its flow starts from.
type Quoted struct {
	Symbol     market.Symbol `yaml:"symbol"`
	Currency   string        `yaml:"currency"`
	Tick       market.Price  `yaml:"tick" above:"0"`
	Lot        market.Qty    `yaml:"lot" above:"0"`
	Multiplier market.Factor `yaml:"multiplier" above:"0"`
	MinQty     market.Qty    `yaml:"min_qty" above:"0"`
	MaxQty     market.Qty    `yaml:"max_qty" above:"0"`
	Reference  market.Price  `yaml:"reference" above:"0"`
}

// ExchangeFeed is the market data the exchange sends.
type ExchangeFeed struct {
	Format    string        `yaml:"format" one:"moldudp64-itch50"`
	Session   string        `yaml:"session"`
	Lines     []Line        `yaml:"lines"`
	Heartbeat time.Duration `yaml:"heartbeat" above:"0s"`
	Packet    int           `yaml:"packet" min:"64" max:"65000"`
	Flush     time.Duration `yaml:"flush" above:"0s"`
	Request   Rerequest     `yaml:"request"`
	Snapshot  SnapshotPort  `yaml:"snapshot"`
}

// Rerequest is the retransmission server of a feed.
type Rerequest struct {
	Listen    string `yaml:"listen"`
	Messages  int    `yaml:"messages" min:"1"`
	PerClient int    `yaml:"per_client" min:"1"`
	Burst     int    `yaml:"burst" min:"1"`
}

// SnapshotPort is the snapshot server of a feed.
type SnapshotPort struct {
	Listen    string `yaml:"listen"`
	PerClient int    `yaml:"per_client" min:"1"`
	Burst     int    `yaml:"burst" min:"1"`
}

// Flow is the background trading of the exchange's own participants.
type Flow struct {
	Rate              int      `yaml:"rate" min:"0"`
	Levels            int      `yaml:"levels" min:"1" max:"1000"`
	Qty               QtyRange `yaml:"qty"`
	SpreadTicks       int      `yaml:"spread_ticks" min:"1"`
	DriftBpsPerMinute int      `yaml:"drift_bps_per_minute" min:"0" max:"10000"`
	TradeShareBps     int      `yaml:"trade_share_bps" min:"0" max:"10000"`
	Participants      int      `yaml:"participants" min:"1"`
}

// QtyRange is an interval of quantities, both ends included.
type QtyRange struct {
	Min market.Qty `yaml:"min" above:"0"`
	Max market.Qty `yaml:"max" above:"0"`
}

// LedgerKeys say where the exchange writes its truth.
type LedgerKeys struct {
	File string `yaml:"file"`
	Sync bool   `yaml:"sync"`
}

// Fault is one fault of the exchange's plan.
type Fault struct {
	ID   string    `yaml:"id"`
	Kind string    `yaml:"kind"`
	On   FaultOn   `yaml:"on" opt:""`
	When FaultWhen `yaml:"when"`
	With FaultWith `yaml:"with" opt:""`
}

// FaultOn narrows a fault to messages.
type FaultOn struct {
	Session string        `yaml:"session" opt:""`
	Msg     string        `yaml:"msg" opt:""`
	Symbol  market.Symbol `yaml:"symbol" opt:""`
}

// FaultWhen says which of those messages it takes: the nth, every nth, with a probability, or each for a while; at and for bound
// that in time since the start, and at alone is once.
type FaultWhen struct {
	Nth   int           `yaml:"nth" opt:"" min:"1"`
	Every int           `yaml:"every" opt:"" min:"1"`
	P     market.Qty    `yaml:"p" opt:"" above:"0" max:"1"`
	While bool          `yaml:"while" opt:""`
	At    time.Duration `yaml:"at" opt:"" above:"0s"`
	For   time.Duration `yaml:"for" opt:"" above:"0s"`
}

// FaultWith is what a fault needs to know.
type FaultWith struct {
	Delay time.Duration `yaml:"delay" opt:"" above:"0s"` // how much later, or how long; absent: as the kind has it
	Qty   market.Qty    `yaml:"qty" opt:"" above:"0"`    // how much is executed or taken off; absent: as the kind has it
	Byte  int           `yaml:"byte" opt:"" min:"1"`     // where a wire is cut: refused, for there is none yet
}

// Sim is the fault as the exchange takes it. It is valid where Read found no mistake.
func (f Fault) Sim() sim.Fault {
	return sim.Fault{
		ID: f.ID, Kind: sim.FaultKind(f.Kind),
		On:   sim.FaultOn{Session: sim.SessionID(f.On.Session), Msg: f.On.Msg, Symbol: f.On.Symbol},
		When: sim.FaultWhen{Nth: uint64(max(0, f.When.Nth)), Every: uint64(max(0, f.When.Every)), P: int64(f.When.P), While: f.When.While, At: f.When.At, For: f.When.For},
		With: sim.FaultWith{Delay: f.With.Delay, Byte: f.With.Byte, Qty: f.With.Qty},
	}.WithDefaults()
}
