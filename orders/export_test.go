package orders

import (
	"fmt"
	"reflect"

	"github.com/failshut/failshut/market"
)

// Encode and Decode are the journal codec, for tests outside the package.
var (
	Encode = encode
	Decode = decode
)

// FencedParts is fencedParts.
var FencedParts = fencedParts

// StateOf encodes the fields of one account's state, and ReadState makes a checkpoint of them.
func StateOf(c *Checkpoint, a market.Account) []byte {
	b := c.past(a).encode(nil)
	return b[1 : len(b)-2*sumSize]
}

// ReadState is the way back.
func ReadState(a market.Account, b []byte) (*Checkpoint, error) {
	c := NewCheckpoint(nil)
	return c, c.past(a).read(b)
}

// Differ names the first field in which two states are not the same, also those that no digest has; empty for none.
func Differ(a, b *Checkpoint) string {
	for _, who := range a.Accounts() {
		if b.accounts[who] == nil {
			return string(who) + " is missing"
		}
		x, y := reflect.ValueOf(a.accounts[who]).Elem(), reflect.ValueOf(b.accounts[who]).Elem()
		if why := differ(string(who), x, y, map[[2]uintptr]bool{}); why != "" {
			return why
		}
	}
	if len(a.accounts) != len(b.accounts) || a.at != b.at {
		return "other accounts, or another LSN"
	}
	return ""
}

func differ(at string, a, b reflect.Value, seen map[[2]uintptr]bool) string {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return at + ": one is nil"
			}
			return ""
		}
		pair := [2]uintptr{a.Pointer(), b.Pointer()}
		if seen[pair] {
			return ""
		}
		seen[pair] = true
		return differ(at, a.Elem(), b.Elem(), seen)
	case reflect.Struct:
		for i := range a.NumField() {
			switch name := a.Type().Field(i).Name; name {
			case "out", "opt": // what was answered last, and what was given
			default:
				if why := differ(at+"."+name, a.Field(i), b.Field(i), seen); why != "" {
					return why
				}
			}
		}
		return ""
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d", at, a.Len(), b.Len())
		}
		for i := range a.Len() {
			if why := differ(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i), seen); why != "" {
				return why
			}
		}
		return ""
	case reflect.Map:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d and %d", at, a.Len(), b.Len())
		}
		for _, k := range a.MapKeys() {
			v := b.MapIndex(k)
			if !v.IsValid() {
				return fmt.Sprintf("%s[%v]: missing", at, k)
			}
			if why := differ(fmt.Sprintf("%s[%v]", at, k), a.MapIndex(k), v, seen); why != "" {
				return why
			}
		}
		return ""
	default:
		if !a.Equal(b) {
			return fmt.Sprintf("%s: %v and %v", at, a, b)
		}
		return ""
	}
}

// KeepClosed bounds how many orders that are closed the desk's blotter shows.
func (d *Desk) KeepClosed(n int) { d.rows.keep = n }
