package mailbox_test

import (
	"errors"
	"fmt"

	"github.com/failshut/failshut/mailbox"
)

// A consumer that is late gets the newest quote of each instrument, and is told which trades it will never see.
func ExampleDescribe() {
	type update struct {
		instrument mailbox.Key
		seq        uint64
		quote      bool
		text       string
	}
	cfg := mailbox.One(4, mailbox.Conflate)
	cfg.MaxKeys = 2
	box, err := mailbox.New(cfg,
		mailbox.Describe(func(u update) mailbox.Description {
			d := mailbox.Description{Key: u.instrument, Seq: u.seq}
			if u.quote {
				d.Kind = mailbox.State
			}
			return d
		}),
		mailbox.GapOf(func(k mailbox.Key, from, to uint64) update {
			return update{instrument: k, text: fmt.Sprintf("trades %d to %d are lost", from, to)}
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range []update{
		{7, 1, true, "bid 99"}, {7, 2, true, "bid 100"}, {8, 1, false, "sold 10"}, {8, 2, false, "sold 20"},
	} {
		if err := box.Offer(u); errors.Is(err, mailbox.ErrGapped) {
			fmt.Println("seq", u.seq, "of", u.instrument, err)
		}
	}
	var item [1]mailbox.Item[update]
	for box.Take(item[:]) == 1 {
		fmt.Println(item[0].Message.instrument, item[0].Message.text, "instead of", item[0].Coalesced.N, "others")
	}
	// Output:
	// seq 2 of 8 mailbox: gapped
	// 7 bid 100 instead of 1 others
	// 8 trades 1 to 2 are lost instead of 0 others
}
