package fix

import (
	"bytes"
	"fmt"

	"github.com/quickfixgo/quickfix"

	"github.com/failshut/failshut/internal/fix44"
	"github.com/failshut/failshut/market"
	"github.com/failshut/failshut/orders"
)

// Decode reads the bytes of a message as the session reads one: those that are not sound do not come so far.
func Decode(venue market.Venue, raw []byte, o orders.Origin) ([]orders.Inbound, error) {
	sound, _, err := fix44.Frame(raw)
	if err != nil || sound == nil {
		return nil, fmt.Errorf("%w: garbled", ErrMalformed)
	}
	m := quickfix.NewMessage()
	if err := quickfix.ParseMessage(m, bytes.NewBuffer(sound)); err != nil {
		return nil, err
	}
	return decode(venue, m, o)
}

// EncodeNew, EncodeReplace, EncodeCancel and EncodeQuestion give the bytes of a body.
func EncodeNew(n orders.New, now market.Timestamp) (string, error) {
	m, err := encodeNew(&n, now)
	return m.String(), err
}

func EncodeReplace(r orders.Replace, now market.Timestamp) (string, error) {
	m, err := encodeReplace(&r, now)
	return m.String(), err
}

func EncodeCancel(c orders.Cancel, now market.Timestamp) string {
	return encodeCancel(&c, now).String()
}

func EncodeQuestion(q orders.Question, id string) string { return encodeQuestion(&q, id).String() }
