package sim

import "github.com/failshut/failshut/market"

// Line is one line of the ledger: a pointer to one of the …Line structs of this file. The order of the fields is the order
// of the keys; decimals and 64-bit integers are strings; what is absent is omitted.
type Line interface {
	Output
	// At is the part that every line begins with.
	At() *Head
}

// Head begins every line.
type Head struct {
	N uint64 `json:"n,string"` // 1, 2, 3 … without a gap
	T int64  `json:"t,string"` // venue clock, ns since 1970 UTC
	K string `json:"k"`        // kind
}

// At gives the head itself.
func (h *Head) At() *Head { return h }

func (h *Head) simOutput() {}

// OpenLine is the first line: what the exchange is.
type OpenLine struct {
	Head
	V        int      `json:"v"`
	Seed     uint64   `json:"seed,string"`
	Config   string   `json:"config"` // SHA-256, hexadecimal
	Plan     string   `json:"plan"`   // SHA-256 of the fault plan
	Dedupe   Dedupe   `json:"dedupe"`
	COD      string   `json:"cod"` // of every session; mixed if they differ
	Symbols  []string `json:"symbols"`
	Accounts []string `json:"accounts"` // of the sessions; participants of the flow are not listed
}

// LinkLine is a change of a session.
type LinkLine struct {
	Head
	Session SessionID      `json:"session"`
	Account market.Account `json:"account,omitempty"`
	Event   string         `json:"event"` // logon logout disconnect refused resend_request gap_fill seq_reset cod
	InSeq   uint64         `json:"in_seq,string,omitempty"`
	OutSeq  uint64         `json:"out_seq,string,omitempty"`
	From    uint64         `json:"from,string,omitempty"`
	To      uint64         `json:"to,string,omitempty"`
	Why     string         `json:"why,omitempty"`
}

// Fates of a received message.
const (
	FateApplied          = "applied"
	FateRejected         = "rejected"
	FateRefusedDuplicate = "refused_duplicate"
	FateAppliedDuplicate = "applied_duplicate"
	FateDropped          = "dropped"
	FateUnknownOrder     = "unknown_order"
	FateMalformed        = "malformed"
)

// RecvLine is a message that came, and what became of it.
type RecvLine struct {
	Head
	Session    SessionID        `json:"session"`
	Account    market.Account   `json:"account"`
	Seq        uint64           `json:"seq,string"`
	Msg        string           `json:"msg"`
	PossDup    bool             `json:"possdup,omitempty"`
	PossResend bool             `json:"possresend,omitempty"`
	Cl         market.ClOrdID   `json:"cl,omitempty"`
	Orig       market.ClOrdID   `json:"orig,omitempty"`
	OID        string           `json:"oid,omitempty"`
	Sym        market.Symbol    `json:"sym,omitempty"`
	Side       market.Side      `json:"side,omitzero"`
	Type       market.OrderType `json:"type,omitzero"`
	TIF        market.TIF       `json:"tif,omitzero"`
	Qty        market.Qty       `json:"qty,omitzero"`
	Px         market.Price     `json:"px,omitzero"`
	Sent       int64            `json:"sent,string,omitempty"`
	Text       string           `json:"text,omitempty"`
	Fate       string           `json:"fate"`
	Fault      string           `json:"fault,omitempty"`
}

// OrderLine is an order after a change.
type OrderLine struct {
	Head
	OID      string           `json:"oid"`
	Account  market.Account   `json:"account"`
	Cl0      market.ClOrdID   `json:"cl0"`
	Cl       market.ClOrdID   `json:"cl"`
	IDs      []market.ClOrdID `json:"ids"`
	Sym      market.Symbol    `json:"sym"`
	Side     market.Side      `json:"side"`
	Type     market.OrderType `json:"type"`
	TIF      market.TIF       `json:"tif"`
	Px       market.Price     `json:"px,omitzero"`
	Qty      market.Qty       `json:"qty"`
	Cum      market.Qty       `json:"cum"`
	Leaves   market.Qty       `json:"leaves"`
	Avg      market.Price     `json:"avg,omitzero"`
	Status   OrdStatus        `json:"status"`
	Priority uint64           `json:"priority,string"`
	By       uint64           `json:"by,string,omitempty"` // n of the recv or fault; absent: the exchange itself
	Why      string           `json:"why,omitempty"`
}

// Party is one side of a trade.
type Party struct {
	OID     string         `json:"oid"`
	Account market.Account `json:"account"`
	Cl      market.ClOrdID `json:"cl"`
	Exec    string         `json:"exec"`
}

// TradeLine is a match. A paper trade has one side only.
type TradeLine struct {
	Head
	ID        string        `json:"id"`
	Sym       market.Symbol `json:"sym"`
	Qty       market.Qty    `json:"qty"`
	Px        market.Price  `json:"px"`
	Buy       *Party        `json:"buy,omitempty"`
	Sell      *Party        `json:"sell,omitempty"`
	Aggressor market.Side   `json:"aggressor,omitzero"`
}

// CorrectionLine is a bust (k bust) or a correction (k correct) of an execution. A trade has one for each side. A split
// corrects what was executed of open orders.
type CorrectionLine struct {
	Head
	Exec    string         `json:"exec"`
	Ref     string         `json:"ref"`
	OID     string         `json:"oid"`
	Account market.Account `json:"account"`
	Sym     market.Symbol  `json:"sym"`
	Side    market.Side    `json:"side"`
	OldQty  market.Qty     `json:"old_qty"`
	OldPx   market.Price   `json:"old_px"`
	Qty     market.Qty     `json:"qty"`
	Px      market.Price   `json:"px"`
}

// Fates of a message of the venue.
const (
	FateSent       = "sent"
	FateDelayed    = "delayed" // a later line says sent or held
	FateHeld       = "held"    // stored for the next logon
	FateDuplicated = "duplicated"
	FateResent     = "resent"
)

// SendLine is an application message that leaves, or does not.
type SendLine struct {
	Head
	Session SessionID      `json:"session"`
	Account market.Account `json:"account"`
	Seq     uint64         `json:"seq,string,omitempty"` // absent: never sent
	Msg     string         `json:"msg"`
	Cl      market.ClOrdID `json:"cl,omitempty"`
	Orig    market.ClOrdID `json:"orig,omitempty"`
	OID     string         `json:"oid,omitempty"`
	Exec    string         `json:"exec,omitempty"`
	Ref     string         `json:"ref,omitempty"`
	Type    ExecType       `json:"type,omitzero"`
	Status  OrdStatus      `json:"status,omitzero"`
	Qty     *market.Qty    `json:"qty,omitempty"`
	Cum     *market.Qty    `json:"cum,omitempty"`
	Leaves  *market.Qty    `json:"leaves,omitempty"`
	Last    market.Qty     `json:"last,omitzero"`
	LastPx  market.Price   `json:"last_px,omitzero"`
	Avg     market.Price   `json:"avg,omitzero"`
	Reason  *Reason        `json:"reason,omitempty"`
	Answers uint64         `json:"answers,string,omitempty"` // n of the recv
	Copy    uint64         `json:"copy,string,omitempty"`    // n of the first send of a duplicate
	Fate    string         `json:"fate"`
	Fault   string         `json:"fault,omitempty"`
}

// ExposureLine is the worst case of one account in one symbol after a change. WorstLong and WorstShort are sizes, 0 or more:
// the position if every open buy (sell) were filled and no sell (buy). WorstNotional is the greater of the two at the
// highest price among the last trade and the account's open orders in the symbol, rounded up.
type ExposureLine struct {
	Head
	Account       market.Account  `json:"account"`
	Sym           market.Symbol   `json:"sym"`
	Pos           market.Qty      `json:"pos"`
	OpenBuy       market.Qty      `json:"open_buy"`
	OpenSell      market.Qty      `json:"open_sell"`
	WorstLong     market.Qty      `json:"worst_long"`
	WorstShort    market.Qty      `json:"worst_short"`
	WorstNotional market.Notional `json:"worst_notional"`
}

// PhaseLine is the phase of a symbol.
type PhaseLine struct {
	Head
	Sym   market.Symbol `json:"sym"`
	Phase string        `json:"phase"`
}

// FaultLine is one firing of a fault. Faults that were armed or disarmed within the day have a line of that, with firing 0
// and the target "armed" or "disarmed".
type FaultLine struct {
	Head
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Firing uint64 `json:"firing,string"`
	Target string `json:"target"`
	Drawn  string `json:"drawn,omitempty"` // of a fault by probability: the number drawn, 1e-9 units as a decimal
}

// MarkLine is the market of a symbol at a moment.
type MarkLine struct {
	Head
	Sym  market.Symbol `json:"sym"`
	Bid  market.Price  `json:"bid,omitzero"`
	Ask  market.Price  `json:"ask,omitzero"`
	Last market.Price  `json:"last,omitzero"`
}

// CloseLine is the last line; without it the venue was killed. Lines counts every line, this one included; CRC32C
// (Castagnoli, eight hexadecimal digits) is that of all bytes before this line.
type CloseLine struct {
	Head
	Lines      uint64                                          `json:"lines,string"`
	Orders     uint64                                          `json:"orders,string"`
	Trades     uint64                                          `json:"trades,string"`
	Busts      uint64                                          `json:"busts,string"`
	Corrects   uint64                                          `json:"corrects,string"`
	PerAccount map[market.Account]map[market.Symbol]market.Qty `json:"per_account"` // positions that are not 0
	CRC32C     string                                          `json:"crc32c"`
}
