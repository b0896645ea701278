// Package control is the door of a node: the API, health and metrics over a unix socket and a TCP listener, and the
// client that knocks there. It keeps P7 (trip works with everything else dead) and P2 (an unknown answer is never
// green): what it shows comes from atomics and published snapshots, never from a message to an actor, and trip, /livez
// and /gatez have places of their own. It decides nothing about risk; it says who may ask.
package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Node is what the API shows and what it asks. Each method but Reset, Resolve and Accept answers from what is published already. Trip sets its
// latch, waits for nothing and gives what waits for the venues' word: confirm answers as soon as there is one, and when its
// context ends with what is known then. Answers are encoded as they are.
type Node interface {
	Readiness() []Part
	Gatez(scope *string) (body any, open bool, err error) // nil for the whole node
	Status() any
	Tree(q TreeQuery) (any, error)
	Dump(path string) (any, error) // without a message to the actor
	// An answer that is not whole lacks something that it names.
	Orders(q OrdersQuery) (answer any, whole bool, err error)
	Order(ctx context.Context, id, account string) (answer any, whole bool, err error) // of any account where that is empty
	Positions(q PositionsQuery) (answer any, whole bool, err error)
	Trip(r TripRequest) (confirm func(ctx context.Context) (answer any, confirmed bool), err error)
	Reset(ctx context.Context, r ResetRequest) (any, error)
	Resolve(ctx context.Context, r ResolveRequest) (any, error)   // answers when the word is durable
	Accept(ctx context.Context, r DifferenceRequest) (any, error) // as Resolve
	Poison() any                                                  // what is set aside
	Release(r PoisonRequest) (any, error)
	Discard(r PoisonRequest) (any, error)
	Metrics() http.Handler
}

// Part is one static child of the root as /readyz shows it.
type Part struct {
	Name  string
	Ready bool
	State string // in words, for the verbose view
}

// TreeQuery says what of the tree is to be shown. The zero TreeQuery is all of it.
type TreeQuery struct {
	Path      string // this one and what is below it; "" is the root
	Depth     int    // levels below Path; 0: all
	Unhealthy bool   // only what is not as it should be
}

// TripRequest asks for a latch.
type TripRequest struct {
	Scope  string `json:"scope"`
	Mode   string `json:"mode"`
	Reason string `json:"reason"`
	By     string `json:"by"`
	WaitMS int64  `json:"wait_ms"`

	Who string `json:"-"` // the authenticated identity
}

// DumpRequest asks for the last messages of an actor.
type DumpRequest struct {
	Path string `json:"path"` // in the tree
}

// PoisonRequest asks what is to become of what was set aside.
type PoisonRequest struct {
	Reason string `json:"reason"`
	By     string `json:"by"`

	ID  string `json:"-"` // of the path
	Who string `json:"-"`
}

// ResolveRequest says what has become of an order of unknown state.
type ResolveRequest struct {
	Account string `json:"account"` // empty: whichever has the order
	As      string `json:"as"`      // rejected, cancelled, working or filled
	Qty     string `json:"qty"`     // of filled: all that executed
	Price   string `json:"price"`   // of what was not known of that; empty: the order's
	Reason  string `json:"reason"`
	By      string `json:"by"`

	ID  string `json:"-"` // of the path: any id of the order, or @ and the venue's
	Who string `json:"-"`
}

// DifferenceRequest signs for a difference between the venue and the journal.
type DifferenceRequest struct {
	Account string `json:"account"`
	Reason  string `json:"reason"`
	By      string `json:"by"`

	Number uint64 `json:"-"` // of the path
	Who    string `json:"-"`
}

// ResetRequest asks to clear the latches named.
type ResetRequest struct {
	Scope  string   `json:"scope"`
	Trips  []string `json:"trips"`
	Reason string   `json:"reason"`
	By     string   `json:"by"`
	Expect string   `json:"expect"`

	Who string `json:"-"`
}

// Problem is an answer that is no success: the HTTP status, the stable word, and the exit code of the command that asked.
type Problem struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Exit    int    `json:"exit"`
}

func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// The problems that the door itself finds.
func usage(format string, args ...any) *Problem {
	return &Problem{http.StatusBadRequest, "usage", fmt.Sprintf(format, args...), 2}
}

func forbidden(status int, format string, args ...any) *Problem {
	return &Problem{status, "forbidden", fmt.Sprintf(format, args...), 5}
}

// Precondition is the answer to what cannot be done in the node's present state.
func Precondition(code, format string, args ...any) *Problem {
	return &Problem{http.StatusConflict, code, fmt.Sprintf(format, args...), 6}
}

// Role is what an identity may do.
type Role string

// The roles. Each of the last three includes Viewer, and trip; none includes another's powers.
const (
	Viewer Role = "viewer"
	Trader Role = "trader"
	Risk   Role = "risk"
	Admin  Role = "admin"
)

// UID gives roles to a user of this machine, as the unix socket names its peer.
type UID struct {
	UID   uint32
	Roles []Role
}

// Token gives roles to whoever shows a token with this SHA-256.
type Token struct {
	Name   string
	SHA256 [sha256.Size]byte
	Roles  []Role
}

// ParseDigest reads 64 hexadecimal digits.
func ParseDigest(s string) ([sha256.Size]byte, error) {
	var d [sha256.Size]byte
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(d) {
		return d, fmt.Errorf("token digest is %q, want 64 hexadecimal digits", s)
	}
	copy(d[:], raw)
	return d, nil
}

// Config says who may ask. Now is the system's clock.
type Config struct {
	UIDs      []UID
	Tokens    []Token
	Anonymous bool // without a token, on loopback, one is a viewer
	Now       func() time.Time
	Log       *slog.Logger
}

// identity is who asks, as far as that was proven.
type identity struct {
	name  string
	roles []Role
}

func (i identity) may(role Role) bool {
	if slices.Contains(i.roles, role) {
		return true
	}
	return role == Viewer && len(i.roles) > 0
}

// mayTrip holds for anyone trusted with more than looking: few may open, anyone may close.
func (i identity) mayTrip() bool {
	return i.may(Trader) || i.may(Risk) || i.may(Admin)
}

// byToken finds the token's owner. Every digest is compared, in constant time, so that time tells nothing.
func (c Config) byToken(token string) (identity, bool) {
	sum := sha256.Sum256([]byte(token))
	found := identity{}
	ok := false
	for _, t := range c.Tokens {
		if subtle.ConstantTimeCompare(sum[:], t.SHA256[:]) == 1 {
			found, ok = identity{t.Name, t.Roles}, true
		}
	}
	return found, ok
}

func (c Config) byUID(uid uint32) identity {
	for _, u := range c.UIDs {
		if u.UID == uid {
			return identity{fmt.Sprintf("uid:%d", uid), u.Roles}
		}
	}
	return identity{name: fmt.Sprintf("uid:%d", uid)}
}
