package credstore

import (
	"os"
	"strings"
	"time"
)

// alive reports whether an entry may be served now. Both clocks must say so: the wall clock may have been set back
// since, but not before the creation; the uptime cannot be set, but begins anew at a boot.
//
// What no clock here can tell: a wall clock that was already slow when the entry was made, and one that was set back
// before a reboot, or where there is no uptime (macOS), to a time within the entry's life.
func (s *Store) alive(h header) bool {
	now := s.c.Now()
	if now.Before(h.created) || !now.Before(h.until) {
		return false
	}
	up := s.uptime()
	if up < 0 || h.uptime < 0 {
		return true
	}
	return up >= h.uptime && up-h.uptime < h.until.Sub(h.created)
}

// uptime is the time since boot, or negative where it is not known.
func (s *Store) uptime() time.Duration {
	if s.c.Uptime != nil {
		if up, ok := s.c.Uptime(); ok {
			return up
		}
	}
	return -1
}

// SystemUptime is the time since boot, sleep included, as Linux gives it; false on other systems.
// https://man7.org/linux/man-pages/man5/proc_uptime.5.html
func SystemUptime() (time.Duration, bool) {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	seconds, _, _ := strings.Cut(string(b), " ")
	up, err := time.ParseDuration(seconds + "s")
	return up, err == nil && up >= 0
}
