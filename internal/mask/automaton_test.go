package mask

import (
	"testing"
	"unsafe"
)

// TestStepsAreLinear proves without a clock that no input takes more than two steps a byte.
func TestStepsAreLinear(t *testing.T) {
	for _, l := range append(randomLoads(), adversarialLoads()...) {
		t.Run(l.name, func(t *testing.T) {
			a, s, steps := newAutomaton(l.secrets), int32(0), 0
			for _, c := range l.data {
				at := s
				for steps++; a.next(at, c) == 0 && at != 0; steps++ {
					at = a.states[at].fail
				}
				if s = a.step(s, c); s != a.next(at, c) {
					t.Fatalf("step goes to state %d, its links to %d", s, a.next(at, c))
				}
				before := s
				for s = a.settled(s); before != s; steps++ {
					before = a.states[before].fail
				}
			}
			if most := 2 * len(l.data); steps > most {
				t.Errorf("%d steps for %d bytes, want at most %d", steps, len(l.data), most)
			}
		})
	}
}

// TestAutomatonIsSmall: a job of 36 hours that renews each hour keeps all its secrets.
func TestAutomatonIsSmall(t *testing.T) {
	a := newAutomaton(sessions(36))
	size := cap(a.states)*int(unsafe.Sizeof(state{})) + cap(a.tables)*int(unsafe.Sizeof([256]int32{}))
	if most := 2 << 20; size > most {
		t.Errorf("the automaton takes %d bytes, want at most %d", size, most)
	}
}
