/// What may be spent for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Values visited, compared or made, and terms evaluated.
    pub steps: u64,
    /// Bytes of everything made, whether it is kept or not.
    pub bytes: u64,
    /// How deeply evaluation may recurse. The depth of values is [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub depth: u32,
}

impl Default for Limits {
    /// A million steps take some 40 ms at worst (wasmtime, two shared cores). The bytes
    /// were never seen to take more than twice as much memory. A level takes at most
    /// 1.3 KiB of the stack, so all of them half of the 512 KiB that wasmtime gives.
    fn default() -> Self {
        Self { steps: 1_000_000, bytes: 16 << 20, depth: 192 }
    }
}

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("more steps were needed than the budget of an event has")]
    Steps,
    #[error("more bytes were needed than the budget of an event has")]
    Bytes,
    #[error("values or evaluation were nested more deeply than the budget of an event allows")]
    Depth,
}

/// What is left for one event. Everything that is done for the event spends from it.
#[derive(Debug)]
pub struct Budget {
    left: Limits,
    limits: Limits,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self { left: limits, limits }
    }

    pub fn step(&mut self) -> Result<(), Exceeded> {
        self.spend_steps(1)
    }

    pub fn spend_steps(&mut self, steps: u64) -> Result<(), Exceeded> {
        let left = self.left.steps.checked_sub(steps);
        // What is spent stays spent, so that nobody who swallows the error goes on.
        self.left.steps = left.unwrap_or(0);
        left.map(drop).ok_or(Exceeded::Steps)
    }

    pub fn spend_bytes(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let left = self.left.bytes.checked_sub(bytes);
        self.left.bytes = left.unwrap_or(0);
        left.map(drop).ok_or(Exceeded::Bytes)
    }

    /// Goes one level down; [`leave`](Self::leave) comes back up.
    pub fn enter(&mut self) -> Result<(), Exceeded> {
        self.left.depth = self.left.depth.checked_sub(1).ok_or(Exceeded::Depth)?;
        Ok(())
    }

    pub fn leave(&mut self) {
        self.left.depth = (self.left.depth + 1).min(self.limits.depth);
    }

    /// Does something one level down.
    pub fn nested<T, E: From<Exceeded>>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.enter()?;
        let result = inside(self);
        self.leave();
        result
    }

    pub fn left(&self) -> Limits {
        self.left
    }

    /// Steps and bytes that were spent, and the levels that are entered now.
    pub fn spent(&self) -> Limits {
        Limits {
            steps: self.limits.steps - self.left.steps,
            bytes: self.limits.bytes - self.left.bytes,
            depth: self.limits.depth - self.left.depth,
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
