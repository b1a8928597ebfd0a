-- Which of the rarer statements this batch needs.
select coalesce(max(wave), 0) as waves, coalesce(bool_or(section_id is null), false) as across_sections,
       coalesce(bool_or(reason_required and reason is null), false) as reason_may_be_missing
from staged_student
