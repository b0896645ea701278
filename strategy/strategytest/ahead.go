package strategytest

import "iter"

// ahead does the same with each of a list, at most n at once, and gives the results in the order of the list. What is under way when
// nobody wants more is waited for.
func ahead[A, B any](n int, list []A, do func(A) B) iter.Seq[B] {
	return func(yield func(B) bool) {
		results := make([]chan B, 0, len(list))
		defer func() {
			for _, r := range results {
				<-r
			}
		}()
		begin := func(a A) {
			r := make(chan B, 1)
			results = append(results, r)
			go func() { r <- do(a) }()
		}
		for i := range list {
			for len(results) < n && i+len(results) < len(list) {
				begin(list[i+len(results)])
			}
			b := <-results[0]
			results = results[1:]
			if !yield(b) {
				return
			}
		}
	}
}
