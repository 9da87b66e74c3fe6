"""Business rules: what merchandisers want, which wins over any model."""

from service.business_rules.compiling import CompiledRule, Compiler
from service.business_rules.errors import Mistake, RulesError
from service.business_rules.files import Reload, RuleFiles
from service.business_rules.plan import Arranged, Plan
from service.business_rules.rulebook import Rulebook

__all__ = ["Arranged", "CompiledRule", "Compiler", "Mistake", "Plan", "Reload"]
__all__ += ["RuleFiles", "Rulebook", "RulesError"]
