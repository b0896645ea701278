package orders

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/market"
)

// A ClOrdID is 16 characters of Crockford base32: group (2), epoch (5),
// sequence (9). The group is the journal's, unique in the cluster and new for
// a wiped journal; the epoch is the journal's durable count of opens; the
// sequence is the open log's count of requests. Nothing comes from time or
// chance, so no id comes twice, and an id says which life of which node made
// it.
const (
	groupLen    = 2
	epochLen    = 5
	sequenceLen = 9
	idLen       = groupLen + epochLen + sequenceLen
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ErrIdentity is a group, epoch or sequence that no id can be made of.
var ErrIdentity = errors.New("orders: no identity")

// MakeID returns the id of request seq in the epoch of a group. The error is
// ErrIdentity when a part does not fit.
func MakeID(group string, epoch uint32, seq uint64) (market.ClOrdID, error) {
	if err := CheckGroup(group); err != nil {
		return "", err
	}
	if uint64(epoch) >= 1<<(5*epochLen) || epoch == 0 {
		return "", fmt.Errorf("%w: epoch %d, want 1 to %d", ErrIdentity, epoch, 1<<(5*epochLen)-1)
	}
	if seq >= 1<<(5*sequenceLen) {
		return "", fmt.Errorf("%w: sequence %d, want below %d", ErrIdentity, seq, uint64(1)<<(5*sequenceLen))
	}
	var b [idLen]byte
	copy(b[:], group)
	base32(b[groupLen:groupLen+epochLen], uint64(epoch))
	base32(b[groupLen+epochLen:], seq)
	return market.ClOrdID(b[:]), nil
}

// CheckGroup returns nil if group may begin an id: two characters of Crockford
// base32 in upper case.
func CheckGroup(group string) error {
	if len(group) != groupLen || digit(group[0]) < 0 || digit(group[1]) < 0 {
		return fmt.Errorf("%w: group %q, want %d of %s", ErrIdentity, group, groupLen, crockford)
	}
	return nil
}

// ParseID takes an id of MakeID apart; ok is false for any other id.
func ParseID(id market.ClOrdID) (group string, epoch uint32, seq uint64, ok bool) {
	if len(id) != idLen || CheckGroup(string(id[:groupLen])) != nil {
		return "", 0, 0, false
	}
	e, okE := unbase32(id[groupLen : groupLen+epochLen])
	s, okS := unbase32(id[groupLen+epochLen:])
	if !okE || !okS || e == 0 {
		return "", 0, 0, false
	}
	return string(id[:groupLen]), uint32(e), s, true
}

func base32(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = crockford[v&31]
		v >>= 5
	}
}

func unbase32(s market.ClOrdID) (v uint64, ok bool) {
	for i := range len(s) {
		d := digit(s[i])
		if d < 0 {
			return 0, false
		}
		v = v<<5 | uint64(d)
	}
	return v, true
}

func digit(c byte) int {
	for i := range len(crockford) {
		if crockford[i] == c {
			return i
		}
	}
	return -1
}
