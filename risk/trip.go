package risk

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/failshut/failshut/market"
)

// Latch is one trip: it holds a scope at a mode until a committed Reset names it. Nothing else clears it, a restart neither.
type Latch struct {
	ID     string
	Scope  Scope
	Mode   Mode
	By     string
	Reason string
	Origin string // node it was set on
	At     market.Timestamp
}

// TripRequest asks for a latch. Mode may be CLOSED, CANCEL_ONLY or REDUCE_ONLY; the zero Mode is CLOSED.
type TripRequest struct {
	Scope  Scope
	Mode   Mode
	By     string
	Reason string
}

// ErrTripNotKept says that a latch is set and works, but that its file could not be written: it would not survive a restart.
var ErrTripNotKept = errors.New("trip is set but not kept")

// TripStore keeps one file a latch. Write returns when the file and its directory are on disk, whole or not at all. Methods may be
// called from any goroutine.
type TripStore interface {
	Names() ([]string, error)
	Read(name string) ([]byte, error)
	Write(name string, body []byte) error
	Remove(name string) error
}

// Trip latches a scope now: from any goroutine, with journal, log, leader and mailboxes dead. In this order: the latch, which every
// gate of this process reads at its next check and every permit at its test; the cancel-all hook, Parts.OnTrip; the file, so that a
// restart finds it; the log, which others learn it from. It returns the latch, also together with ErrTripNotKept.
func (d *Desk) Trip(r TripRequest, now Reading) (Latch, error) {
	if err := r.Scope.validate(false); err != nil {
		return Latch{}, err
	}
	if r.Mode == Open || !r.Mode.Valid() {
		return Latch{}, fmt.Errorf("%w: trip to %s, want CLOSED, CANCEL_ONLY or REDUCE_ONLY", ErrInvalid, r.Mode)
	}
	l := Latch{
		ID:    d.tripID(),
		Scope: r.Scope, Mode: r.Mode, By: clip(r.By), Reason: clip(r.Reason), Origin: d.cfg.Node, At: market.Timestamp(now.Wall),
	}
	write := d.files.claim(l)
	d.latch(l)
	err := write()
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrTripNotKept, l.ID, err)
	}
	_ = d.post(Tripped{ID: l.ID}) // if nobody hears it, the holder finds the latch at its next renewal
	return l, err
}

// tripID returns a name that no other trip has, ever: of this node, this life of its process, and the trip's count in it. Neither of
// the last two has a hyphen, so no two nodes can make the same one. It is no time: a second trip at one reading of the clock, or
// after the clock went back, would be taken for the first and latch nothing.
func (d *Desk) tripID() string {
	return "t-" + d.cfg.Node + "-" + strconv.FormatUint(d.nonce, 36) + "-" + strconv.FormatUint(d.trips.Add(1), 36)
}

// Latches returns the latches of this process in the order of their ids. Safe for any number of goroutines.
func (d *Desk) Latches() []Latch {
	if p := d.latches.Load(); p != nil {
		return slices.Clone(*p)
	}
	return nil
}

// latch sets a latch, wherever it comes from, and has everything in its scope cancelled. The same id again changes nothing.
func (d *Desk) latch(l Latch) {
	if d.add(l) && d.onTrip != nil {
		d.onTrip(l)
	}
}

// add adds a latch to the set that gates read, and reports whether it is new there.
func (d *Desk) add(l Latch) bool {
	for {
		old := d.latches.Load()
		var set []Latch
		if old != nil {
			set = slices.Clone(*old)
		}
		at, found := slices.BinarySearchFunc(set, l.ID, func(a Latch, id string) int { return strings.Compare(a.ID, id) })
		if found {
			return false
		}
		set = slices.Insert(set, at, l)
		if d.latches.CompareAndSwap(old, &set) {
			break
		}
	}
	if d.events.Tripped != nil {
		d.events.Tripped(l)
	}
	return true
}

// unlatch takes one latch out of the set: only an applied Reset that names it does so.
func (d *Desk) unlatch(id string) {
	for {
		old := d.latches.Load()
		if old == nil {
			return
		}
		set := slices.DeleteFunc(slices.Clone(*old), func(l Latch) bool { return l.ID == id })
		next := &set
		if len(set) == 0 {
			next = nil
		}
		if len(set) == len(*old) || d.latches.CompareAndSwap(old, next) {
			return
		}
	}
}

// latched returns the strictest mode that the latches hold a scope at, and OPEN when none covers it.
func (d *Desk) latched(k Scope) (Mode, Code, Scope) {
	set := d.latches.Load()
	if set == nil {
		return Open, "", Scope{}
	}
	mode, scope := Open, Scope{}
	for i := range *set {
		l := &(*set)[i]
		if l.Mode.Severity() > mode.Severity() && l.Scope.Covers(k) {
			mode, scope = l.Mode, l.Scope
		}
	}
	if mode == Open {
		return Open, "", Scope{}
	}
	return mode, CodeTripped, scope
}

// restoreTrips sets every latch that the store holds, before there is a gate. What cannot be read is a firm trip: nobody can say
// what it was meant to shut.
func (d *Desk) restoreTrips() {
	names, err := d.files.store.Names()
	if err != nil {
		d.add(unreadable(d.cfg.Node, "directory", err))
		return
	}
	for _, name := range names {
		d.files.found(strings.TrimSuffix(name, tripSuffix))
		body, err := d.files.store.Read(name)
		if err != nil {
			d.add(unreadable(d.cfg.Node, name, err))
			continue
		}
		l, err := decodeTrip(body)
		if err != nil || tripName(l.ID) != name {
			d.add(unreadable(d.cfg.Node, name, errors.Join(err, errors.New("name and content differ"))))
			continue
		}
		d.add(l)
	}
}

func unreadable(node, name string, err error) Latch {
	id := strings.TrimSuffix(name, tripSuffix)
	if !goodTripID(id) {
		id = "t-" + node + "-unreadable-" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(name))), 36)
	}
	return Latch{ID: id, Scope: Firm, Mode: Closed, By: "risk", Reason: clip("trip file " + name + " cannot be read: " + err.Error()), Origin: node}
}

const tripSuffix = ".json"

func tripName(id string) string { return id + tripSuffix }

func goodTripID(id string) bool {
	return strings.HasPrefix(id, "t-") && len(id) <= 200 && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// tripFile is what a trip's file holds. The sum is over the body's bytes as they stand in the file.
type tripFile struct {
	Version int             `json:"version"`
	CRC32C  uint32          `json:"crc32c"`
	Trip    json.RawMessage `json:"trip"`
}

type tripBody struct {
	ID     string `json:"id"`
	Scope  string `json:"scope"`
	Mode   Mode   `json:"mode"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	Origin string `json:"origin"`
	At     int64  `json:"at_ns"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeTrip(l Latch) []byte {
	body, err := json.Marshal(tripBody{l.ID, l.Scope.String(), l.Mode, l.By, l.Reason, l.Origin, int64(l.At)})
	if err != nil {
		return nil // text and numbers always have JSON
	}
	file, err := json.Marshal(tripFile{1, crc32.Checksum(body, castagnoli), body})
	if err != nil {
		return nil
	}
	return file
}

func decodeTrip(b []byte) (Latch, error) {
	var f tripFile
	if err := json.Unmarshal(b, &f); err != nil {
		return Latch{}, err
	}
	if f.Version != 1 || crc32.Checksum(f.Trip, castagnoli) != f.CRC32C {
		return Latch{}, fmt.Errorf("%w: version %d or sum %08x", ErrInvalid, f.Version, f.CRC32C)
	}
	var t tripBody
	if err := json.Unmarshal(f.Trip, &t); err != nil {
		return Latch{}, err
	}
	scope, err := ParseScope(t.Scope, false)
	if err != nil {
		return Latch{}, err
	}
	if !goodTripID(t.ID) || t.Mode == Open {
		return Latch{}, fmt.Errorf("%w: trip %q to %s", ErrInvalid, t.ID, t.Mode)
	}
	return Latch{t.ID, scope, t.Mode, t.By, t.Reason, t.Origin, market.Timestamp(t.At)}, nil
}

// clip keeps free text short enough for a command and free of control characters.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) <= 500 {
		return s
	}
	return strings.ToValidUTF8(s[:500], "")
}
